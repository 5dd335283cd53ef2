/**
 * Tells whether a name, in lower case, is one by which a proxy tells of a request's way. Origins of the CGI kind read
 * `x_forwarded_for` as `X-Forwarded-For`, so an underscore does not hide it.
 */
export function isOfWay(name: string): boolean {
  // Nearly all fields begin otherwise, and looking at two letters is cheaper than looking up the name.
  if (!BEGINNINGS_OF_WAY.has(beginningOf(name))) return false;
  const plain = name.includes("_") ? name.replaceAll("_", "-") : name;
  return plain.startsWith(PREFIX_OF_WAY) || NAMES_OF_WAY.has(plain);
}

/** How the names begin by which proxies tell what they changed; frameworks believe many of them. */
const PREFIX_OF_WAY = "x-forwarded";

/**
 * The other names that servers and frameworks read as said by a proxy, of who asked and for what. Each is believed by
 * one in wide use, be it after a setting: a visitor who may send it can pass for another, or get round a rule about
 * paths.
 */
const NAMES_OF_WAY: ReadonlySet<string> = new Set([
  // Where a request came from.
  "cf-connecting-ip",
  "cf-connecting-ipv6",
  "cf-pseudo-ipv4",
  "client-ip",
  "fastly-client-ip",
  "fly-client-ip",
  "forwarded",
  "forwarded-for",
  "true-client-ip",
  "x-appengine-remote-addr",
  "x-appengine-user-ip",
  "x-azure-clientip",
  "x-azure-socketip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-original-for",
  "x-original-forwarded-for",
  "x-real-ip",
  "x-remote-addr",
  "x-remote-ip",
  // How, and for what.
  "cf-visitor",
  "front-end-https",
  "x-host",
  "x-http-host-override",
  "x-original-host",
  "x-original-method",
  "x-original-proto",
  "x-original-uri",
  "x-original-url",
  "x-proxyuser-ip",
  "x-rewrite-url",
  "x-scheme",
  "x-url-scheme",
]);

/** The first two letters of these names, as one number. */
const BEGINNINGS_OF_WAY: ReadonlySet<number> = new Set(
  [PREFIX_OF_WAY, ...NAMES_OF_WAY].flatMap((name) => [name, name.replaceAll("-", "_")])
    .map(beginningOf),
);

function beginningOf(name: string): number {
  return name.charCodeAt(0) << 8 | name.charCodeAt(1);
}
