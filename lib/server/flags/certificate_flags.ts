import { integerFlag, textFlag, valueFlag } from "../../cli/flags.ts";
import {
  LETS_ENCRYPT,
  MIN_TOKEN_LENGTH,
  parseDirectory,
  parseHmacKey,
  parseHttpPort,
  parseMail,
  parseResolver,
  parseToken,
} from "../flag_values.ts";
import { SYSTEM_RESOLVER } from "../tls/dns_lookup.ts";

const GROUP = "HTTPS";

/** Where certificates come from, which the program around a server reads or gets for it. */
export const CERTIFICATE_FLAGS = {
  /** The path of a PEM file, which is not read here. */
  tlsCert: textFlag({
    group: GROUP,
    help: "PEM file with the certificate chain: HTTPS and HTTP/2; SIGHUP reads it again",
    placeholder: "<file>",
    default: null,
  }),
  /** The path of a PEM file, which is not read here. */
  tlsKey: textFlag({
    group: GROUP,
    help: "PEM file with the certificate's key",
    placeholder: "<file>",
    default: null,
  }),
  /** The port that is led to HTTPS, 0 lets the system choose; "off" for none, null for what --acme makes of it. */
  httpPort: valueFlag("<port|off>", parseHttpPort, {
    group: GROUP,
    help: "second port, without TLS, that sends visitors to HTTPS",
    default: null,
    defaultText: "off, with --acme 80",
  }),
  /** The mail address of an account; null for a server that gets no certificates. */
  acme: valueFlag("<mail>", parseMail, {
    group: GROUP,
    help: "get and renew a certificate for --domain and its wildcard (with --fixed for --domain " +
      "alone); the authority writes to this address",
    default: null,
    defaultText: "no certificates",
  }),
  /** The URL of an authority's directory. */
  acmeDirectory: valueFlag("<url|staging>", parseDirectory, {
    group: GROUP,
    help: "directory of another authority; staging is Let's Encrypt's for trials",
    default: LETS_ENCRYPT,
    defaultText: "Let's Encrypt",
  }),
  /** The port on which the authority's questions are answered; 0 lets the system choose. */
  acmeDnsPort: integerFlag({
    group: GROUP,
    help: "port for DNS queries about _acme-challenge.<domain>, of which an NS record makes this " +
      "server the authority",
    placeholder: "<port>",
    default: 53,
    least: 0,
    most: 65_535,
  }),
  /** Who is asked whether the records can be seen. */
  acmeResolver: valueFlag("<address|off>", parseResolver, {
    group: GROUP,
    help: "DNS server that is asked whether records are set, before the authority is",
    default: SYSTEM_RESOLVER,
    defaultText: "the system's",
  }),
  /** The name or path of a program, which is not looked for here. */
  acmeHook: textFlag({
    group: GROUP,
    help: "program that sets TXT records where the name cannot be delegated: <program> set|clear " +
      "<name> <text>",
    placeholder: "<program>",
    default: null,
    defaultText: "none",
  }),
  /** The name of a key that an authority gave; null for none. */
  acmeKeyId: textFlag({
    group: GROUP,
    help: "key that the authority gave to bind the account to (external account binding)",
    placeholder: "<id>",
    default: null,
    defaultText: "none",
  }),
  /** That key in base64url. */
  acmeHmacKey: valueFlag("<base64url>", parseHmacKey, {
    group: GROUP,
    help: "that key itself; better in the environment than here",
    default: null,
    defaultText: "none",
  }),
  /** What the nodes of one domain know, and their bus does not; null for none. */
  acmeSecret: valueFlag("<secret>", parseToken, {
    group: GROUP,
    help: "with --bus, the same at every node: the certificate that they share is encrypted with " +
      `it, of ${MIN_TOKEN_LENGTH} bytes or more; better in the environment than here`,
    default: null,
    defaultText: "none",
  }),
};
