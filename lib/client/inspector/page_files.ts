import built from "./built_page.json" with { type: "json" };

/** A file of the inspector's page. */
export interface PageFile {
  readonly type: string;
  readonly text: string;
}

/** The files of the page by their paths; they are part of the program, which asks no disk for them. */
export const PAGE_FILES: ReadonlyMap<string, PageFile> = new Map(Object.entries(built));
