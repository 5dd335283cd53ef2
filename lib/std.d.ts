// Types of the `@std` modules in use: on npm they come as JavaScript alone, which would be `any`.

declare module "@std/assert" {
  type Class<E> = abstract new (...args: never[]) => E;
  export function assert(condition: unknown, message?: string): asserts condition;
  export function assertFalse(condition: unknown, message?: string): asserts condition is false;
  export function assertEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): void;
  export function assertGreater<T>(actual: T, expected: T, message?: string): void;
  export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertLess<T>(actual: T, expected: T, message?: string): void;
  export function assertMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertNotMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertStringIncludes(actual: string, expected: string, message?: string): void;
  export function assertInstanceOf<T>(
    actual: unknown,
    expected: Class<T>,
    message?: string,
  ): asserts actual is T;
  export function assertThrows(fn: () => unknown): unknown;
  export function assertThrows<E extends Error>(
    fn: () => unknown,
    ErrorClass: Class<E>,
    messageIncludes?: string,
    message?: string,
  ): E;
  export function assertRejects(fn: () => PromiseLike<unknown>): Promise<unknown>;
  export function assertRejects<E extends Error>(
    fn: () => PromiseLike<unknown>,
    ErrorClass: Class<E>,
    messageIncludes?: string,
    message?: string,
  ): Promise<E>;
}

declare module "@std/cli/parse-args" {
  export interface ParseOptions {
    readonly string?: readonly string[];
    readonly boolean?: readonly string[];
    readonly collect?: readonly string[];
    readonly alias?: Readonly<Record<string, string>>;
    /** Called for each word that no option names; `false` leaves it out of the result. */
    readonly unknown?: (arg: string, key?: string) => unknown;
  }
  export function parseArgs(
    args: readonly string[],
    options?: ParseOptions,
  ): Readonly<Record<string, unknown>>;
}

declare module "@std/crypto/timing-safe-equal" {
  export function timingSafeEqual(
    a: ArrayBufferView | ArrayBufferLike,
    b: ArrayBufferView | ArrayBufferLike,
  ): boolean;
}

declare module "@std/encoding/base32" {
  export function encodeBase32(data: ArrayBuffer | Uint8Array | string): string;
}

declare module "@std/encoding/base64" {
  export function encodeBase64(data: ArrayBuffer | Uint8Array | string): string;
  export function decodeBase64(text: string): Uint8Array<ArrayBuffer>;
}

declare module "@std/encoding/base64url" {
  export function encodeBase64Url(data: ArrayBuffer | Uint8Array | string): string;
  export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer>;
}

declare module "@std/encoding/hex" {
  export function encodeHex(data: ArrayBuffer | Uint8Array | string): string;
  export function decodeHex(text: string): Uint8Array<ArrayBuffer>;
}

declare module "@std/http/etag" {
  export function eTag(file: {
    readonly size: number;
    readonly mtime: Date | null;
  }): Promise<string | undefined>;
  export function ifNoneMatch(value: string | null, etag: string | undefined): boolean;
}

declare module "@std/http/negotiation" {
  export function accepts(
    request: Pick<Request, "headers">,
    ...types: string[]
  ): string | undefined;
}

declare module "@std/http/status" {
  export const STATUS_TEXT: Readonly<Record<number, string>>;
}

declare module "@std/media-types/content-type" {
  export function contentType(extensionOrType: string): string | undefined;
}

declare module "@std/yaml/parse" {
  export interface ParseOptions {
    /** `failsafe` leaves every scalar a text; `core` makes numbers and truth of some. */
    readonly schema: "failsafe" | "core";
  }
  export function parse(content: string, options: ParseOptions): unknown;
}
