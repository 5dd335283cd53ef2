import type { FieldList } from "./field_list.ts";
import type { VisitorConnection } from "./forwarded.ts";

/** A public request and what is known of how it came. */
export interface Visit {
  readonly request: Request;
  readonly fields: FieldList;
  readonly connection: VisitorConnection;
  /** The visitor's own address. */
  readonly address: string;
  /** The target that the origin gets. */
  readonly target: string;
}
