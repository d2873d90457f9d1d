import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { HELP_WIDTH, layOutCommand, layOutHelp } from "../../tasks/cli/help_text.ts";

Deno.test("a help text is laid out in paragraphs, commands, flags and rows", () => {
  const source = `
What the task does, in a sentence that is longer than one line of a terminal and was broken somewhere
else.

  deno task some-task --input data/shakespeare.txt --vocab-size 2000 --text "two words here" --out out/dir

Some flags: a heading that is said in as many words as it takes, and then some more
  --input PATH  Short.
  --long-name-of-flag NAME  What it does. The text of a name that is too long stands below it, in the column of the
                others (default: 16)
  --a N  --b N  --c N
  --d X  --e X  Two flags.
  --quiet       Says nothing.

Rows
  one    The first row, with a text that does not fit into a single line of a terminal, (default: 3)
  two    The second.
`;
  assertEquals(
    layOutHelp(source),
    `What the task does, in a sentence that is longer than one line of a terminal and
was broken somewhere else.

  deno task some-task --input data/shakespeare.txt --vocab-size 2000 \\
      --text "two words here" --out out/dir

Some flags: a heading that is said in as many words as it takes, and then some
more
  --input PATH  Short.
  --long-name-of-flag NAME
                What it does. The text of a name that is too long stands below
                it, in the column of the others (default: 16)
  --a N  --b N  --c N
  --d X  --e X  Two flags.
  --quiet       Says nothing.

Rows
  one    The first row, with a text that does not fit into a single line of a
         terminal, (default: 3)
  two    The second.`,
  );
});

Deno.test("a help text keeps all its words in order, in lines that fit", () => {
  const word = fc.stringMatching(/^[a-z(][a-z.,)]{0,12}$/);
  const text = fc.array(word, { minLength: 1, maxLength: 40 }).map((words) => words.join(" "));
  const flag = fc.tuple(fc.stringMatching(/^[a-z]{1,8}(-[a-z]{1,8})?$/), text).map(([name, text]) =>
    `  --${name.padEnd(20)} ${text}`
  );
  const line = fc.oneof(text, flag, fc.constant(""));
  fc.assert(
    fc.property(fc.array(line, { minLength: 1 }), (lines) => {
      const source = lines.join("\n");
      const laid = layOutHelp(source);
      for (const line of laid.split("\n")) assert(line.length <= HELP_WIDTH, line);
      assertEquals(laid.split(/\s+/).filter(Boolean), source.split(/\s+/).filter(Boolean));
      assertEquals(layOutHelp(laid).split(/\s+/), laid.split(/\s+/));
    }),
    { seed: 9 },
  );
});

Deno.test("a long command is broken into lines that a shell reads as one, and never within quotes", () => {
  const long = `deno task encode --tokenizer 'my runs/of a long name/tokenizer' --input '${
    "a b ".repeat(30)
  }' --out x.npy`;
  const laidOut = layOutCommand(long);
  assert(laidOut.includes(" \\\n"), laidOut);
  assertEquals(laidOut.replaceAll(/ \\\n +/g, " "), long);
  assert(laidOut.includes(`'${"a b ".repeat(30)}'`), laidOut);
  assertEquals(layOutCommand("deno task demo"), "deno task demo");
});
