import { assertEquals } from "@std/assert";
import { isSafeRedirect } from "../../../lib/corpus/download/http_request.ts";

Deno.test("isSafeRedirect() gives up no secure connection", () => {
  const isSafe = (from: string, to: string) => isSafeRedirect(new URL(from), new URL(to));
  assertEquals(isSafe("https://a.org/x", "https://b.org/x"), true);
  assertEquals(isSafe("http://a.org/x", "https://b.org/x"), true);
  assertEquals(isSafe("http://a.org/x", "http://a.org/y"), true);
  assertEquals(isSafe("https://a.org/x", "http://a.org/x"), false);
  assertEquals(isSafe("http://a.org/x", "http://b.org/x"), false);
  assertEquals(isSafe("http://a.org/x", "http://a.org:81/x"), false);
  assertEquals(isSafe("https://a.org/x", "file:///etc/passwd"), false);
});
