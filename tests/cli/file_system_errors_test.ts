import { assert, assertEquals } from "@std/assert";
import { writeFileAtomically } from "../../lib/io/atomic.ts";
import { describeError } from "../../tasks/cli/errors.ts";
import { describeFileSystemError, isFileSystemError } from "../../tasks/cli/file_system_errors.ts";

Deno.test("what the operating system refuses is told as other mistakes are, by the name that a person knows", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/directory/inner`, { recursive: true });
    await Deno.writeTextFile(`${dir}/file`, "x");
    const refused: readonly (readonly [() => Promise<unknown>, string])[] = [
      [
        () => Deno.lstat(`${dir}/file/run`),
        `find ${dir}/file/run: got "Not a directory (os error 20)", must be inside`,
      ],
      [
        () => Deno.mkdir(`${dir}/file/run.bytelm-0123456789abcdef0123456789abcdef.tmp`),
        `make ${dir}/file/run: got "Not a directory (os error 20)"`,
      ],
      [() => writeFileAtomically(`${dir}/directory`, ""), `write ${dir}/directory: got "Is a directory`],
      [
        () => Deno.readTextFile(`${dir}/none`),
        `read ${dir}/none: got "No such file or directory (os error 2)", must exi`,
      ],
      [() => Deno.open(`${dir}/none`), `open ${dir}/none: got "No such file`],
    ];
    for (const [act, expected] of refused) {
      const error = await act().then(() => undefined, (error) => error);
      assert(isFileSystemError(error));
      const line = describeError(error);
      assert(line.startsWith(`error: Cannot ${expected}`) && !line.includes("\n"), line);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test({
  name: "a full disk says to make room, whether the system names the file or not",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const said = 'got "No space left on device (os error 28)", must have room. Free some space on that disk';
    const whole = await Deno.writeTextFile("/dev/full", "x").then(() => undefined, (error) => error);
    assertEquals(describeError(whole), `error: Cannot write /dev/full: ${said}`);
    using file = await Deno.open("/dev/full", { write: true });
    const part = await file.write(new Uint8Array(1)).then(() => undefined, (error) => error);
    assertEquals(describeError(part), `error: Cannot continue: ${said}`);
  },
});

Deno.test("what the system said is told by its code: the words may be of any language", () => {
  const error = Object.assign(
    new Error("Kein Platz (os error 28): writefile '/d/x.npy.bytelm-0123456789abcdef0123456789abcdef.tmp'"),
    {
      code: "ENOSPC",
    },
  );
  assert(isFileSystemError(error));
  assertEquals(
    describeError(error),
    'error: Cannot write /d/x.npy: got "Kein Platz (os error 28)", must have room. Free some space on that disk',
  );
  assert(!isFileSystemError(new Error("No space left on device (os error 28)")));
  assert(!isFileSystemError(Object.assign(new Error("x"), { code: "ERR_INVALID_ARG_TYPE" })));
});

Deno.test("an error of another form keeps its message; a fault of the program its stack", () => {
  assertEquals(describeFileSystemError(new Error("Requires read access")), "Requires read access");
  assert(!isFileSystemError(new TypeError("x is not a function")));
  assert(describeError(new TypeError("x is not a function")).includes("\n    at "));
});
