# One image for every service: `docker run IMAGE up --host 0.0.0.0`, `docker run IMAGE run capture`...
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /src
RUN pip install --no-cache-dir "uv==0.13.8"
COPY pyproject.toml uv.lock ./
# What it stands on first: a change of ours does not fetch it anew. Hashes of uv.lock are checked.
RUN uv export --frozen --no-dev --extra scale --no-emit-project --quiet -o requirements.txt \
    && pip install --no-cache-dir --require-hashes --prefix=/install -r requirements.txt
COPY README.md LICENSE NOTICE ./
COPY libs libs
COPY services services
RUN pip install --no-cache-dir --no-deps --prefix=/install .

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="Gatehouse" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin gatehouse \
    && install -d -o gatehouse -g gatehouse -m 0700 /data
COPY --from=build /install /usr/local
USER 10001:10001
WORKDIR /data
# What a recorder has not stored yet is here, and messages that the broker has not got yet.
VOLUME /data
ENV GATEHOUSE_DATA_DIR=/data \
    GATEHOUSE_LOG__FORMAT=json \
    PYTHONDONTWRITEBYTECODE=1
EXPOSE 5000 5010
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(os.environ.get('HEALTH_URL', 'http://127.0.0.1:5000/livez'), timeout=4)"]
ENTRYPOINT ["gatehouse"]
CMD ["up", "--host", "0.0.0.0"]
