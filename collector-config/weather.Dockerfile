# The example server from a clone. Yours needs no more: the package, and the command in front.
FROM python:3.12-slim
WORKDIR /app
COPY pyproject.toml README.md LICENSE /package/
COPY src /package/src
COPY examples /package/examples
RUN pip install --no-cache-dir /package
COPY examples/weather_server.py ./
USER nobody
EXPOSE 8000
CMD ["opentelemetry-instrument", "uvicorn", "--factory", "weather_server:mcp.streamable_http_app", "--host", "0.0.0.0", "--port", "8000"]
