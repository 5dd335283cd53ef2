import { assertEquals } from "@std/assert";
import { indentMarkup } from "../../../../lib/client/inspector/page/markup.ts";

Deno.test("indentMarkup gives each element of XML that holds others lines of its own", () => {
  const text =
    '<?xml version="1.0"?><rss><item><title>Rye</title><guid/></item><item></item><!-- a --></rss>';
  assertEquals(indentMarkup(text, false).split("\n"), [
    '<?xml version="1.0"?>',
    "<rss>",
    "  <item>",
    "    <title>Rye</title>",
    "    <guid/>",
    "  </item>",
    "  <item></item>",
    "  <!-- a -->",
    "</rss>",
  ]);
});

Deno.test("indentMarkup knows elements of HTML without an end, and leaves scripts whole", () => {
  const text =
    "<!doctype html><head><meta charset=utf-8><script>if (a<b) f();</script></head><p>A <b>b</b>";
  assertEquals(indentMarkup(text, true).split("\n"), [
    "<!doctype html>",
    "<head>",
    "  <meta charset=utf-8>",
    "  <script>if (a<b) f();</script>",
    "</head>",
    "<p>",
    "  A",
    "  <b>b</b>",
  ]);
});

Deno.test("indentMarkup comes to an end with every part of a text", () => {
  const text = "<a b='c'><script>x</script><!-- --><br>t</a></b><![CDATA[x]]>";
  for (let from = 0; from < text.length; from++) {
    for (let to = from; to <= text.length; to++) indentMarkup(text.slice(from, to), true);
  }
  indentMarkup("<a>".repeat(100_000), true);
});

Deno.test("indentMarkup reads a text once, whatever begins in it and never ends", () => {
  for (const part of ["<!--", "<a", "<script>", "<![CDATA[", "<", "</script"]) {
    indentMarkup(part.repeat(200_000), true);
  }
});
