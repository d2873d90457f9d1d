import { assertEquals } from "@std/assert";
import { assertSpyCalls, stub } from "@std/testing/mock";
import { startProgress } from "../../tasks/cli/progress.ts";
import { capture } from "./capture.ts";

const ESCAPE = "\x1b";

Deno.test("piped progress is plain lines without a bar; a note stands between them, with nothing a terminal obeys", async () => {
  const { stderr } = await capture(() => {
    const progress = startProgress(3, "step {value}/{total} [{bar}] loss {loss}", { loss: "-" });
    progress.update(1, { loss: "5.0" });
    progress.update(2, { loss: "4.0" });
    progress.note(`ROMEO:\n\tOh, é${ESCAPE}[2J\x07\r`);
    progress.update(3, { loss: "3.0" });
    progress.stop();
    return Promise.resolve(0);
  });
  assertEquals(
    stderr,
    "step 1/3 loss 5.0\nstep 2/3 loss 4.0\nROMEO:\n\tOh, é\uFFFD[2J\uFFFD\uFFFD\nstep 3/3 loss 3.0\n",
  );
});

Deno.test("progress that nobody can read any more does not end the work", () => {
  const eio = Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" });
  for (const problem of [new Deno.errors.BrokenPipe("gone"), eio]) {
    using said = stub(console, "error", () => {
      throw problem;
    });
    const progress = startProgress(3, "step {value}/{total} [{bar}]", {});
    progress.update(1, {});
    progress.note("sample");
    progress.update(3, {});
    progress.stop();
    assertSpyCalls(said, 3);
  }
});
