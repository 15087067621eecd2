# The same files as `npm run image` (build/image.ts) writes without an engine: that program makes the tree here too.
FROM debian:12-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends binutils gcc g++ libc6-dev libcap2-bin make nodejs npm
WORKDIR /src
COPY . .
RUN npm ci --ignore-scripts
ENV PATH=/src/node_modules/.bin:$PATH
RUN node native/build.ts && node build/image.ts --tree /tree && setcap cap_net_raw,cap_net_bind_service+p /tree/app/bin/speaker

FROM scratch
COPY --from=build /tree /
ENV PATH=/app/bin:/bin INVAR_NATIVE=/app/native/invar.node NODE_ENV=production
LABEL org.opencontainers.image.title="Invar" org.opencontainers.image.version="0.1.0" org.opencontainers.image.licenses="Apache-2.0"
USER 65532:65532
