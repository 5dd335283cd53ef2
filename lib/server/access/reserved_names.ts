/**
 * Names that a client cannot wish for, since others would take it for someone else: visitors for the operator, mail and
 * operating systems for a service that they look up by name, certificate authorities for the owner of the domain.
 */
const RESERVED: ReadonlySet<string> = new Set([
  // The operator's own site, or a part of it that asks for passwords or money.
  ...["www", "www1", "www2", "api", "admin", "administrator", "account", "accounts", "auth"],
  ...["billing", "console", "dashboard", "internal", "login", "logout", "oauth", "panel", "pay"],
  ...["payment", "payments", "portal", "register", "root", "secure", "server", "signin", "signup"],
  ...["sso", "staff", "system", "cdn", "static", "assets", "help", "legal", "status", "support"],
  // The tunnel's own.
  ...["proxy", "tunnel", "tunnels", "healthz", "readyz", "metrics", "node", "gateway", "relay"],
  // Names of the machine itself.
  ...["localhost", "localdomain", "local", "broadcasthost", "ip6-localhost"],
  // What is looked up by name without being asked: proxy settings, mail settings, IPv6 tunnels, update servers.
  ...["wpad", "isatap", "autoconfig", "autodiscover", "mta-sts", "openpgpkey", "wsus"],
  // Services by their usual names.
  ...["mail", "email", "webmail", "smtp", "imap", "pop", "pop3", "mx", "mx1", "mx2", "ftp", "sftp"],
  ...["ssh", "vpn", "dns", "ns", "ns1", "ns2", "ns3", "ns4", "ntp", "ldap"],
  // Addresses that prove control over a domain, or take complaints (RFC 2142; CA/Browser Forum baseline requirements).
  ...["hostmaster", "postmaster", "webmaster", "abuse", "noc", "security", "ssladmin", "sysadmin"],
]);

/** Labels with hyphens as third and fourth character are encoded, and shown as something else (RFC 5890 section 2.3.1). */
const ENCODED = /^..--/;

/** A hash in base32, as `tunnelId` makes it. */
const ID = /^[a-z2-7]{52}$/;

/** Returns why a client may not wish for a label as its name, or null. */
export function whyReserved(name: string): string | null {
  if (isLikeId(name)) return "it has the form of a tunnel's id";
  if (ENCODED.test(name)) return "it may be shown as another one";
  return RESERVED.has(name) ? "it is reserved" : null;
}

/** Whether a label could be the id of a tunnel, whose hostname belongs to the tunnel's key alone. */
export function isLikeId(name: string): boolean {
  return ID.test(name);
}
