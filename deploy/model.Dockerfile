# The endpoint's container: the SageMaker contract, `docker run IMAGE serve`, port 8080. It works without a network and as no root.
# For the profile hub: --build-arg REQUIREMENTS=requirements/hub.lock
FROM python:3.11-slim
ARG REQUIREMENTS=requirements/run.lock
WORKDIR /app
COPY requirements/ requirements/
COPY pyproject.toml README.md ./
RUN pip install --no-cache-dir --require-hashes -r requirements/installer.lock \
 && uv pip install --system --no-cache --require-hashes -r ${REQUIREMENTS}
COPY . .
RUN uv pip install --system --no-cache --no-deps --no-build-isolation . && useradd --system valence
USER valence
EXPOSE 8080
# No bytecode: the folders of code and weights may be read-only.
ENV VALENCE_MODEL_HOST=0.0.0.0 PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["python", "-m", "model"]
CMD ["serve"]
