# The services of this repository, one target each; the engine has a Dockerfile of its own. From the top of the checkout:
#   docker build --target api -t galaxy/api .
# Any image with Node 20.19 or later and glibc will do as a base.
ARG BASE=node:24-bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
# Whoever has the packages of this very lock file may mount them at /packages; nothing is downloaded then.
RUN if [ -d /packages ]; then cp -R /packages node_modules; else npm ci --ignore-scripts --no-audit --no-fund; fi
COPY . .
RUN npm run build \
  && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/.cache \
  # Temporal's native part comes for every system there is.
  && cd node_modules/@temporalio/core-bridge/releases \
  && ls | grep -v "$(uname -m)-unknown-linux-gnu" | xargs rm -rf

FROM ${BASE} AS service
WORKDIR /app
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/dist dist
# By number, because not every base has a user for it. Nothing is written to the image's own files.
USER 10001:10001
ENV NODE_ENV=production
# Of the target's own READY_URL.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.READY_URL, { signal: AbortSignal.timeout(2500) }).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

FROM service AS api
ENV READY_URL=http://127.0.0.1:8097/readyz GAMEMASTER_HTTP_ADDR=0.0.0.0:8097 GAMEMASTER_METRICS_ADDR=0.0.0.0:9097
EXPOSE 8097 9097
CMD ["node", "dist/api/main.js"]

FROM service AS worker
ENV READY_URL=http://127.0.0.1:9098/readyz GAMEMASTER_METRICS_ADDR=0.0.0.0:9098
EXPOSE 9098
CMD ["node", "dist/worker/main.js"]

FROM service AS lobby
ENV READY_URL=http://127.0.0.1:8094/readyz LOBBY_HTTP_ADDR=0.0.0.0:8094
EXPOSE 8094
CMD ["node", "dist/platform/lobby/main.js"]

FROM service AS notification
ENV READY_URL=http://127.0.0.1:8095/readyz NOTIFICATION_HTTP_ADDR=0.0.0.0:8095
EXPOSE 8095
CMD ["node", "dist/platform/notification/main.js"]

FROM service AS rtmanager
ENV READY_URL=http://127.0.0.1:8096/readyz RTMANAGER_HTTP_ADDR=0.0.0.0:8096
EXPOSE 8096
CMD ["node", "dist/platform/rtmanager/main.js"]
