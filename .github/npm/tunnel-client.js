#!/usr/bin/env node
// Runs on older Nodes as well, so far as to say that they are too old.
import "./older_node.js";
import process from "node:process";

const OLDEST = 20;
const { version } = process;
if (parseInt(version.slice(1)) < OLDEST) {
  console.error(`tunnel-client needs Node ${OLDEST} or newer, and this is ${version}`);
  process.exit(2);
}
await import("./js/client.js");
