# aernet with TensorRT on a Jetson Orin: docker build -f containers/jetpack6.Dockerfile -t aernet-jetson .
# L4T must be that of the device, which /etc/nv_tegra_release tells. The image has CUDA 12.6 and TensorRT 10.3.
ARG L4T=r36.4.0
FROM nvcr.io/nvidia/l4t-jetpack:${L4T}
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
    gstreamer1.0-tools libgl1 libglib2.0-0 python3-dev python3-libnvinfer python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 --groups video aernet \
 && install --directory --owner=aernet /cache
WORKDIR /build
COPY CMakeLists.txt LICENSE README.md pyproject.toml ./
COPY cpp cpp
COPY python python
COPY engines engines
COPY examples examples
# 87 is Orin's compute capability, 8.7. The environment sees the TensorRT of JetPack, which pip does not have.
# Ubuntu's pip is too old for -C.
RUN python3 -m venv --system-site-packages /srv/aernet \
 && CUDACXX=/usr/local/cuda/bin/nvcc CUDAARCHS=87-real SKBUILD_CMAKE_DEFINE=AERNET_CUDA=ON \
    /srv/aernet/bin/pip install --no-cache-dir ".[heif,serve,tensorrt,video,viewer]" \
 && rm -rf /build/*
COPY containers/healthcheck.py /srv/healthcheck.py
ENV PATH=/srv/aernet/bin:/usr/local/bin:/usr/bin:/bin
ENV XDG_CACHE_HOME=/cache
USER 1000
WORKDIR /home/aernet
VOLUME /cache
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python3", "/srv/healthcheck.py"]
ENTRYPOINT ["aernet-trt"]
CMD ["serve"]
