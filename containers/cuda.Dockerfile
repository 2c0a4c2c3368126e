# aernet with TensorRT on a PC: docker build -f containers/cuda.Dockerfile -t aernet-cuda .
# TENSORRT is tensorrt-rtx for GeForce and RTX cards, or tensorrt for those of a data centre.
ARG CUDA=12.9.1
FROM nvidia/cuda:${CUDA}-devel-ubuntu24.04 AS build
ARG TENSORRT=tensorrt-rtx
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY CMakeLists.txt LICENSE README.md pyproject.toml ./
COPY cpp cpp
COPY python python
COPY engines engines
COPY examples examples
RUN python3 -m venv /srv/aernet \
 && SKBUILD_CMAKE_DEFINE=AERNET_CUDA=ON /srv/aernet/bin/pip install --no-cache-dir \
    ".[heif,serve,video,viewer,${TENSORRT}]"

FROM nvidia/cuda:${CUDA}-base-ubuntu24.04
# Ubuntu's image has a user of the number 1000 already.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
    gstreamer1.0-tools libgl1 libglib2.0-0t64 python3 \
 && rm -rf /var/lib/apt/lists/* \
 && userdel --remove ubuntu \
 && useradd --create-home --uid 1000 --groups video aernet \
 && install --directory --owner=aernet /cache
COPY --from=build /srv/aernet /srv/aernet
COPY containers/healthcheck.py /srv/healthcheck.py
ENV PATH=/srv/aernet/bin:/usr/local/bin:/usr/bin:/bin
ENV XDG_CACHE_HOME=/cache
USER 1000
WORKDIR /home/aernet
VOLUME /cache
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python3", "/srv/healthcheck.py"]
ENTRYPOINT ["aernet-trt"]
CMD ["serve"]
