# The slim images: `api` has no torch at all, `worker` runs the model on the CPU.
# docker compose builds both; Dockerfile.gpu is the worker with a GPU.
FROM python:3.11.14-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 HOME=/tmp
WORKDIR /app
RUN useradd --uid 10001 --home-dir /tmp darkroom && install --directory --owner=darkroom --group=darkroom /data
COPY pyproject.toml requirements.lock README.md ./

FROM base AS worker
# An index with CPU builds of torch saves some gigabytes: docker compose build --build-arg PIP_EXTRA_INDEX_URL=...
ARG PIP_EXTRA_INDEX_URL
RUN pip install --constraint requirements.lock '.[worker]'
COPY cli cli
COPY contract contract
COPY worker worker
RUN pip install --no-deps --editable .
USER 10001
CMD ["darkroom", "worker"]

FROM base AS api
RUN pip install --constraint requirements.lock .
COPY api api
COPY cli cli
COPY contract contract
COPY web web
RUN pip install --no-deps --editable .
USER 10001
EXPOSE 8000
CMD ["darkroom", "api"]
