FROM denoland/deno:2.9.6 AS build
WORKDIR /build
# Packages first: they change less often than the sources, and so stay in the build cache.
COPY deno.json deno.lock ./
RUN deno ci
COPY . .
# An image is built without the history of the sources: pass --build-arg VALET_COMMIT=$(git rev-parse HEAD).
ARG VALET_COMMIT=unknown
RUN deno task compile

RUN mkdir /data

# The C library and certificates, no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /build/valet /build/config.yaml /app/
# The working directory holds valet.db and is all that the user of the image may write to.
COPY --from=build --chown=nonroot:nonroot /data /data
WORKDIR /data
VOLUME /data
EXPOSE 8080
# Only what the container publishes can be reached: see who may reach Valet in docs/configuration.md.
ENV VALET_SERVER_HOST=0.0.0.0
# Valet asks itself: the image has no curl.
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s \
  CMD ["/app/valet", "health", "--config", "/app/config.yaml"]
# No init is needed: Valet handles the signals of process 1 and waits for its children.
ENTRYPOINT ["/app/valet"]
CMD ["--config", "/app/config.yaml"]
