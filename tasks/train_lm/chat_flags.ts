// The flags of train-lm for fine-tuning on conversations.
import { CHAT_TEMPLATE_FLAG, TEMPLATE_NAMES } from "../chat/find_template.ts";
import { UsageError } from "../cli/errors.ts";
import type { TrainFlags } from "./flags.ts";

export const CHAT_FLAGS = {
  sft: { type: "string" },
  "sft-valid": { type: "string" },
  "chat-template": CHAT_TEMPLATE_FLAG,
} as const;

/** Lines of `--help` for them. */
export const CHAT_HELP =
  `  --sft FILE.jsonl       Instead of --train, with --from: conversations to fine-tune on, in each line one of OpenAI's form,
                         {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}, or
                         {"prompt": "…", "completion": "…"}. The answers are learned, each up to the token that ends it,
                         but not those with a "weight" of 0. Each conversation is a row of its own, as long as the longest
                         one; those longer than the context are left out, which is said.
  --sft-valid FILE.jsonl Conversations to measure the validation loss on.
  --chat-template NAME   What turns conversations into text: ${TEMPLATE_NAMES}, or a file in Jinja's language (default: the
                         tokenizer's own). The tokenizer gets the special tokens that it needs and lacks, <|im_start|> for
                         example; their rows in the model begin as the mean of all others.`;

/** @throws {UsageError} If flags for conversations are given that do not go together, or with others. */
export function requireChatFlags(flags: TrainFlags): void {
  const { sft } = flags;
  const refuse = (problem: string) => new UsageError(`Cannot run train-lm: ${problem}`);
  if (sft === undefined) {
    const other = (["sft-valid", "chat-template"] as const).find((name) => flags[name] !== undefined);
    if (other !== undefined) throw refuse(`--${other} needs --sft, the conversations to train on`);
    return;
  }
  if (flags.from === undefined) throw refuse("--sft needs --from, the run to fine-tune");
  for (const name of ["train", "valid", "minutes", "keep-optimizer"] as const) {
    if (flags[name] === undefined || flags[name] === false) continue;
    const instead = name === "valid"
      ? "--sft-valid for that"
      : name === "minutes"
      ? "--steps for that"
      : "only one of them";
    throw refuse(`got --sft and --${name}, must be ${instead}`);
  }
}
