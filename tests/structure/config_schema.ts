import type { Flag } from "../../lib/cli/flags.ts";
import { CONFIG_MEMBERS, type MemberScope } from "../../lib/client/config/config_members.ts";

/** A schema, or a part of one (JSON Schema draft 7, which editors have). */
export type Schema = { readonly [keyword: string]: unknown };

/** Writes the schema of the client's config file. */
export function configSchema(): string {
  const tunnel = {
    service: {
      ...SCALAR,
      description: "The local service: 3000, host:3000, https://host:8443, unix:/run/app.sock, " +
        "./folder, status:503 or redirect:https://example.com{path}",
    },
    inspect: {
      enum: ["on", "off", true, false],
      description: "Whether the inspector shows its requests (default: on)",
    },
    ...membersOf("tunnels", "tunnel"),
  };
  const schema: Schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "The config file of tunnel-client",
    description: "Written by: deno task documents",
    ...group({
      ...membersOf("client"),
      defaults: {
        ...group(membersOf("tunnels")),
        description: "Flags for all tunnels, where they say nothing else",
      },
      tunnels: {
        type: "object",
        description: "The tunnels that tunnel-client start runs, by names of your own",
        propertyNames: { pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" },
        additionalProperties: {
          anyOf: [SCALAR, {
            ...group(tunnel),
            anyOf: [{ required: ["service"] }, { required: ["route"] }],
          }],
        },
      },
    }),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** A text; what YAML reads as a number is one to the client. */
const SCALAR: Schema = { type: ["string", "number"] };

function group(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: "object", properties, additionalProperties: false };
}

function membersOf(...scopes: readonly MemberScope[]): Readonly<Record<string, Schema>> {
  const members = [...CONFIG_MEMBERS].filter(([, { scope }]) => scopes.includes(scope));
  return Object.fromEntries(members.map(([name, { flag }]) => [name, schemaOf(flag)]));
}

function schemaOf(flag: Flag<unknown>): Schema {
  const note = flag.defaultText === "" ? "" : ` (default: ${flag.defaultText})`;
  const description = flag.help + note;
  const value = valueOf(flag);
  if (flag.kind !== "list" && flag.separator === "") return { ...value, description };
  const pairs = { type: "object", additionalProperties: SCALAR };
  const member = flag.joint === "" ? value : { anyOf: [value, pairs] };
  const list = { type: "array", items: member, minItems: 1 };
  return { anyOf: [...(flag.joint === "" ? [value] : [value, pairs]), list], description };
}

function valueOf({ shape }: Flag<unknown>): Schema {
  switch (shape.type) {
    case "switch":
      return { type: "boolean" };
    case "integer":
      return { type: "integer", minimum: shape.least, maximum: shape.most };
    case "choice":
      return { enum: shape.choices };
    case "text":
      return SCALAR;
  }
}
