// A program that keeps the network alone, and tells at SIGUSR2 what may be done in it.
import "./permission_probe.ts";
import { keepOnly } from "../../lib/cli/permissions.ts";

keepOnly("net");
console.log("ready");
setInterval(() => {}, 60_000);
