# One file, two images: `service` (the four services, the worker, migrations) and
# `gateway` (nginx with its configuration and the dashboard).

FROM python:3.11-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /install
COPY requirements/base.txt .
RUN python -m venv /opt/aiff \
    && /opt/aiff/bin/pip install --require-hashes -r base.txt

FROM python:3.11-slim-bookworm AS service
ENV PATH=/opt/aiff/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --user-group --home-dir /nonexistent aiff \
    && install -d -o aiff -g aiff /var/lib/aiff
COPY --from=packages /opt/aiff /opt/aiff
WORKDIR /app
COPY db/ db/
COPY service_kit/ service_kit/
COPY auth_service/ auth_service/
COPY tickets_service/ tickets_service/
COPY analytics_service/ analytics_service/
COPY ai_service/ ai_service/
COPY scripts/ scripts/
COPY docs/mappings/ docs/mappings/
USER 10001:10001
ENV AIFF_VAR_DIR=/var/lib/aiff BIND_ADDRESS=0.0.0.0 PORT=8000
EXPOSE 8000
# Says "service" instead of a name of its own when no command is given.
CMD ["python", "-c", "raise SystemExit('name a command, as docker-compose.yml does')"]

FROM nginx:1.29-bookworm AS gateway
COPY nginx/docker/15-gateway.envsh /docker-entrypoint.d/15-gateway.envsh
RUN chmod 755 /docker-entrypoint.d/15-gateway.envsh \
    && rm -f /etc/nginx/conf.d/default.conf
COPY nginx/templates/ /etc/nginx/templates/
COPY nginx/static/ /usr/share/aiff/static/
COPY frontend/ /usr/share/aiff/frontend/
ENV NGINX_ENVSUBST_OUTPUT_DIR=/run/aiff NGINX_ENVSUBST_FILTER=^AIFF_
USER 101:101
EXPOSE 8080 8085
STOPSIGNAL SIGQUIT
CMD ["nginx", "-c", "/run/aiff/nginx.conf"]
