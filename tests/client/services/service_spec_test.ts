import { assertEquals, assertThrows } from "@std/assert";
import { parseService, serviceName } from "../../../lib/client/services/service_spec.ts";

Deno.test("parseService takes every kind of service, folders as any system writes them", () => {
  const words: Readonly<Record<string, string>> = {
    "3000": "http://localhost:3000",
    "web:3000": "http://web:3000",
    "[::1]:3000": "http://[::1]:3000",
    "http://web:3000": "http://web:3000",
    "HTTP://Web/": "http://web:80",
    "https://web": "https://web:443",
    "https://127.0.0.1:8443/": "https://127.0.0.1:8443",
    "unix:/run/app.sock": "unix:/run/app.sock",
    "unix:///run/app.sock": "unix:/run/app.sock",
    "unix:app.sock": "unix:app.sock",
    "UNIX:/run/a b:c.sock": "unix:/run/a b:c.sock",
    ".": ".",
    "./dist": "./dist",
    "../a b": "../a b",
    "/srv/www": "/srv/www",
    "~/site": "~/site",
    ".\\dist": ".\\dist",
    "C:\\sites\\shop": "C:\\sites\\shop",
    "d:/sites": "d:/sites",
    "\\\\host\\share": "\\\\host\\share",
    "status:503": "status:503",
    "redirect:https://new.example": "redirect:https://new.example",
    "redirect:http://new.example:8080/a?b={path}": "redirect:http://new.example:8080/a?b={path}",
    "redirect:https://new.example{path}": "redirect:https://new.example{path}",
  };
  for (const [word, name] of Object.entries(words)) {
    assertEquals(serviceName(parseService(word)), name);
    assertEquals(parseService(name), parseService(word), "a name can be given as the service");
  }
});

Deno.test("parseService refuses anything else with what a service must be", () => {
  const refused: Readonly<Record<string, readonly string[]>> = {
    "must be a port, host:port, http://host:port": [
      ...["", "web", "web:", "[::1]", "::1:80", "a b:80", "u@web:80", "web:80:80", "-", "0x50"],
      ...["ftp://web", "http://", "http://u@web:80"],
    ],
    "must be given without a path": ["http://web:3000/path", "https://web/?q", "web:3000?q"],
    "must have a port from 1 to 65535": [
      ...["0", "65536", "99999999999999999999", "web:0", "http://web:0", "https://web:0"],
    ],
    "must be a whole number from 200 to 599": ["status:", "status:101", "status:600", "status:ok"],
    "must lead to a URL": [
      ...[
        "redirect:",
        "redirect:/a",
        "redirect:ftp://a",
        "redirect:https://",
        "redirect:https://{host}",
      ],
      ...["redirect:https://a b/", "redirect:https://a/\r\nx", "redirect:https://u@a/"],
    ],
    "must have no places but": ["redirect:https://a/{user}"],
    "must name a folder without NUL": ["./a\0b"],
    "must name a socket with 1 to 103 bytes": ["unix:", `unix:/${"a".repeat(103)}`, "unix:/a\0b"],
  };
  for (const [message, words] of Object.entries(refused)) {
    for (const word of words) assertThrows(() => parseService(word), RangeError, message);
  }
});
