import { assertThrows } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { requireDeno } from "../../tasks/cli/deno_version.ts";

Deno.test("an older Deno is told in one line what it must be", () => {
  for (const version of ["2.8.3", "2.4.0", "1.46.3"]) {
    assertThrows(() => requireDeno("demo", version), UserError, `got Deno ${version}, must be 2.9 or later`);
  }
  for (const version of ["2.9.0", "2.9.0-rc.1", "2.10.0", "3.0.0", "2.9.6+abc"]) requireDeno("demo", version);
  requireDeno("demo");
});
