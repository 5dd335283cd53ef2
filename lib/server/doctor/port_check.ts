import { type Finding, right, unknown, wrong } from "../../cli/doctor/finding.ts";
import { systemCode, systemReason } from "../../net/system_reason.ts";

/** What became of a port that a server is to listen on. */
export interface PortFinding {
  readonly finding: Finding;
  /** Whether a server could listen there now. */
  readonly isFree: boolean;
}

/** Tries to listen where the server is to, for a moment. */
export function checkPort(
  check: string,
  { hostname, port }: { readonly hostname: string; readonly port: number },
): PortFinding {
  if (port === 0) return { finding: unknown(check, "any that is free"), isFree: false };
  try {
    Deno.listen({ hostname, port }).close();
    return { finding: right(check, `${port} is free`), isFree: true };
  } catch (error) {
    const finding = wrong(check, `${port}: ${systemReason(error)}`, adviceOn(error));
    return { finding, isFree: false };
  }
}

function adviceOn(error: unknown): string {
  switch (systemCode(error)) {
    case "EADDRINUSE":
      return "If that is this server, stop it for the rest of the checks, or run tunnel-client " +
        "doctor; else choose another port (ss -ltnp names the program)";
    case "EACCES":
    case "EPERM":
      return "Ports below 1024 need a right: AmbientCapabilities=CAP_NET_BIND_SERVICE in systemd's " +
        "unit, or setcap cap_net_bind_service=+ep on the executable";
    default:
      return "Choose an address of this machine in --hostname";
  }
}
