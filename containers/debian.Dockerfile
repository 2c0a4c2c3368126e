# aernet on Debian, for the CPU alone: docker build -f containers/debian.Dockerfile -t aernet .
FROM debian:bookworm-slim AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY CMakeLists.txt LICENSE README.md pyproject.toml ./
COPY cpp cpp
COPY python python
COPY engines engines
COPY examples examples
# Debian's pip is too old for -C.
RUN python3 -m venv /srv/aernet \
 && SKBUILD_CMAKE_DEFINE=AERNET_CUDA=OFF /srv/aernet/bin/pip install --no-cache-dir ".[heif,serve,video,viewer]"

FROM debian:bookworm-slim
# OpenCV wants libgl1 and libglib2.0-0; cameras through GStreamer want the rest.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
    gstreamer1.0-tools libgl1 libglib2.0-0 python3 \
 && rm -rf /var/lib/apt/lists/* \
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
