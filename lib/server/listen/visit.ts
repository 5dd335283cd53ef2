import type { FieldList } from "../proxy/field_list.ts";
import type { VisitorConnection } from "../proxy/forwarded.ts";

/** A public request and what is known of how it came. */
export interface Visit {
  readonly request: Request;
  readonly fields: FieldList;
  readonly connection: VisitorConnection;
  /** The remote port, which no two connections of a peer share. */
  readonly port: number;
  /** The visitor's own address. */
  readonly address: string;
  /** The target that the origin gets. */
  readonly target: string;
}
