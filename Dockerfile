# The programs in an image:
#
#     docker build --tag yt8m .
#     docker build --tag yt8m:gpu --build-arg GPU=1 .
#     docker run --rm --volume "$PWD:/work" yt8m inspect 'train*.tfrecord'
#
# `docker build --target check .` runs the quickstart within it.
FROM python:3.11-slim-bookworm AS runtime

ARG GPU=""
ENV PYTHONUNBUFFERED=1 TF_CPP_MIN_LOG_LEVEL=2

WORKDIR /opt/yt8m-models
COPY setup.py pyproject.toml README.md LICENSE constraints.txt ./
COPY yt8m_models yt8m_models
COPY losses losses
COPY eval eval
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-cache-dir --constraint constraints.txt \
        '.[quickstart,video,report,recommend,export,serve]' ${GPU:+'tensorflow[and-cuda]'} \
    && useradd --create-home --uid 1000 yt8m

ENV PATH=/opt/venv/bin:$PATH
USER 1000
WORKDIR /work
ENTRYPOINT ["yt8m"]
CMD ["--help"]

FROM runtime AS check

USER 0
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /check
COPY Makefile train.py inference.py ./
RUN chown 1000 /check
USER 1000
RUN make --old-file=setup VENV=/opt/venv/bin quickstart

FROM runtime
