// Publishes an app of Express, which listens on a free port of this machine alone.
import { createServer } from "node:http";
import process from "node:process";
import { forward } from "@tunnel/tunnel";
// @ts-types="@types/express"
import express from "express";

const app = express();
app.get("/", (request, response) => {
  response.send(`an app of Express at ${request.get("host")}`);
});

const origin = createServer(app).listen(0, "127.0.0.1", async () => {
  const address = origin.address();
  if (address === null || typeof address === "string") throw new TypeError("it has no port");
  const server = process.env["TUNNEL_SERVER"] ?? "http://localhost:6519";
  const tunnel = await forward({ server }, `127.0.0.1:${address.port}`);
  console.log(tunnel.url);
});
