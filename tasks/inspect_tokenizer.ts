// Shows what a tokenizer has learned: its longest tokens, how a token was merged, or how a text is split.
//   deno task inspect-tokenizer --tokenizer out/tokenizer --token " the"
import { describePattern } from "../lib/tokenizer/pretokenize/named_patterns.ts";
import { longestTokens, MergeHistory, type MergeTree } from "../lib/tokenizer/train/merge_history.ts";
import type { Tokenizer } from "../lib/tokenizer/tokenizer.ts";
import { UsageError, UserError } from "./cli/errors.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { openTokenizer, PATTERN_FLAG, TOKENIZER_HELP } from "./cli/tokenizer.ts";
import { quoteToken } from "./cli/tokens.ts";

const HELP = `
Shows what a tokenizer has learned: its longest tokens, how a token was merged, or how a text is split.

  deno task inspect-tokenizer --tokenizer out/tokenizer
  deno task inspect-tokenizer --tokenizer out/tokenizer --token " the"
  deno task inspect-tokenizer --tokenizer out/tokenizer --text "How is this split?"

  ${TOKENIZER_HELP}
  --token ID|TEXT     show the tree of merges that made this token: an id, or its text
  --text TEXT         show the tokens of this text: coloured on a terminal, otherwise separated by bars
  --top N             how many of the longest tokens to show, without --token and --text. Default: 20
  --json              print JSON
  --help              print this
`;

const TASK = {
  name: "inspect-tokenizer",
  help: HELP,
  flags: {
    tokenizer: { type: "string", required: true },
    pattern: PATTERN_FLAG,
    token: { type: "string" },
    text: { type: "string" },
    top: { type: "integer", default: 20, min: 1 },
    json: { type: "boolean" },
  },
} as const;

export function main(args: string[]): Promise<number> {
  return runTask(TASK, args, async (flags) => {
    if (flags.token !== undefined && flags.text !== undefined) {
      throw new UsageError(
        "Cannot run inspect-tokenizer: got --token and --text, must be only one of them. See: deno task inspect-tokenizer --help",
      );
    }
    const tokenizer = await openTokenizer(flags.tokenizer, flags.pattern);
    const describe = (id: number) => describeToken(tokenizer, id);
    if (flags.token !== undefined) {
      const tree = new MergeHistory(tokenizer.vocabulary).treeOf(findToken(tokenizer, flags.token));
      console.log(flags.json ? JSON.stringify(withTexts(tree, describe), null, 2) : formatTree(tree, describe));
    } else if (flags.text !== undefined) {
      const ids = [...tokenizer.encode(flags.text)];
      console.log(flags.json ? JSON.stringify(ids.map(describe), null, 2) : formatSplit(tokenizer, ids));
    } else {
      const { vocabulary } = tokenizer;
      const longest = longestTokens(vocabulary, flags.top).map(describe);
      const { pattern, specials } = vocabulary;
      const numMerges = vocabulary.merges.length / 3;
      if (flags.json) {
        console.log(JSON.stringify({ vocabSize: tokenizer.vocabSize, pattern, numMerges, specials, longest }, null, 2));
        return;
      }
      const named = specials.map(({ text, id }) => `${text} (${id})`).join(", ") || "none";
      console.log(
        `${tokenizer.vocabSize} tokens, ${numMerges} merges, pattern ${
          describePattern(pattern)
        }, special tokens: ${named}`,
      );
      for (const { id, text, bytes } of longest) {
        console.log(`${String(bytes).padStart(5)} bytes  ${String(id).padStart(6)}  ${text}`);
      }
    }
  });
}

interface DescribedToken {
  readonly id: number;
  readonly text: string;
  readonly bytes: number;
}

function describeToken({ vocabulary: { tokens } }: Tokenizer, id: number): DescribedToken {
  return { id, text: quoteToken(tokens.get(id)), bytes: tokens.byteLength(id) };
}

/** @throws {UserError} If there is no such token. */
function findToken(tokenizer: Tokenizer, token: string): number {
  const { tokens } = tokenizer.vocabulary;
  if (/^\d+$/.test(token)) {
    if (tokens.byteLength(Number(token)) > 0) return Number(token);
    throw new UserError(`Cannot show token ${token}: there is no such id, must be below ${tokens.size}`);
  }
  const bytes = new TextEncoder().encode(token);
  for (let id = 0; id < tokens.size; id++) {
    const candidate = tokens.get(id);
    if (candidate.length === bytes.length && candidate.every((byte, i) => byte === bytes[i])) return id;
  }
  const parts = [...tokenizer.encode(token)].map((id) => quoteToken(tokens.get(id))).join(" ");
  throw new UserError(
    `Cannot show token ${JSON.stringify(token)}: this text is several tokens, ${parts}. To see them: --text`,
  );
}

function formatTree(tree: MergeTree, describe: (id: number) => DescribedToken): string {
  const lines: string[] = [];
  const add = ({ id, merge, parts }: MergeTree, first: string, rest: string) => {
    lines.push(`${first}${describe(id).text}  ${id}${merge === undefined ? "" : `, merge ${merge}`}`);
    parts.forEach((part, i) => {
      const isLast = i === parts.length - 1;
      add(part, `${rest}${isLast ? "└─ " : "├─ "}`, `${rest}${isLast ? "   " : "│  "}`);
    });
  };
  add(tree, "", "");
  return lines.join("\n");
}

function withTexts({ id, merge, parts }: MergeTree, describe: (id: number) => DescribedToken): unknown {
  // Programs that read it find the field on every token.
  return { ...describe(id), merge: merge ?? null, parts: parts.map((part) => withTexts(part, describe)) };
}

/** Background colours of neighbouring tokens. */
const COLOURS = [44, 45, 42, 46, 43];

function formatSplit(tokenizer: Tokenizer, ids: readonly number[]): string {
  const texts = ids.map((id) => quoteToken(tokenizer.vocabulary.tokens.get(id)).slice(1, -1).replaceAll('\\"', '"'));
  const isColoured = Deno.stdout.isTerminal() && !Deno.noColor;
  const split = isColoured
    ? texts.map((text, i) => `\x1b[30;${COLOURS[i % COLOURS.length]}m${text}\x1b[0m`).join("")
    : `|${texts.join("|")}|`;
  return `${split}\n${ids.length} tokens: ${ids.join(" ")}`;
}

if (import.meta.main) await runProgram(main);
