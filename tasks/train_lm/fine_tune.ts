// --sft: fine-tuning on conversations, of which the answers are learned.
import type { TokenSource } from "../../lib/dataset/token_source.ts";
import type { DataRecord } from "../../lib/run/data_record.ts";
import type { RunOrigin } from "../../lib/run/run_origin.ts";
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";
import type { ChatTemplate } from "../chat/chat_template.ts";
import {
  type ConversationTokens,
  describeConversations,
  openConversations,
  rowLength,
} from "../chat/conversation_tokens.ts";
import { withTemplate, withTokensOf } from "../chat/extend_tokenizer.ts";
import { findChatTemplate, TEMPLATE_NAMES } from "../chat/find_template.ts";
import { UsageError, UserError } from "../cli/errors.ts";
import { requireInputFile } from "../cli/files.ts";
import type { TrainFlags } from "./flags.ts";
import type { Parent } from "./start_from.ts";

/** What conversations are written and encoded with. */
export interface ChatForm {
  readonly template: ChatTemplate;
  /** The run's own, with what the template needs; the template is saved with it. */
  readonly tokenizer: Tokenizer;
}

/** A {@linkcode ChatForm} for a new run, and the special tokens that its tokenizer got. */
export interface NewChatForm extends ChatForm {
  readonly added: readonly string[];
}

/**
 * The template that is asked for, or that the run's tokenizer has.
 * @throws {UserError} If there is no tokenizer, or no template.
 */
export async function newChatForm(
  directory: string,
  tokenizer: Tokenizer | undefined,
  given: string | undefined,
): Promise<NewChatForm> {
  if (tokenizer === undefined) {
    throw new UserError(
      `Cannot fine-tune ${directory}: got no tokenizer in it, must be a run that has one. Pass --tokenizer`,
    );
  }
  const extended = given === undefined ? { tokenizer, added: [] } : await withTokensOf(tokenizer, given);
  const template = await findChatTemplate(extended.tokenizer, given);
  if (template === undefined) {
    throw new UserError(
      `Cannot fine-tune ${directory}: got a tokenizer without a chat template, must be one that has one. Pass ` +
        `--chat-template with a file, or one of ${TEMPLATE_NAMES}`,
    );
  }
  return { template, tokenizer: withTemplate(extended.tokenizer, template.text), added: extended.added };
}

/**
 * The template that a run was begun with.
 * @throws {UserError} If it is gone.
 */
export async function chatFormOf(directory: string, tokenizer: Tokenizer): Promise<ChatForm> {
  const template = await findChatTemplate(tokenizer);
  if (template !== undefined) return { template, tokenizer };
  throw new UserError(
    `Cannot resume ${directory}: got a tokenizer without a chat template, must be the one that the run began with. ` +
      "Restore its chat_template.jinja",
  );
}

/**
 * Makes room in a model for its tokenizer's new tokens.
 * @param isOfAdapters Whether the model's own weights stay as they are.
 * @throws {UsageError} If their rows would stay as they begin. A logit that is the mean of all others is never the largest,
 *   so the model could write none of these tokens, not even the one that ends an answer.
 */
export function withRoomFor(parent: Parent, { vocabSize }: Tokenizer, isOfAdapters: boolean): Parent {
  const had = parent.parts.model!.vocabSize!;
  if (vocabSize <= had) return parent;
  if (isOfAdapters) {
    throw new UsageError(
      `Cannot start from ${parent.directory}: got --lora-rank and ${
        vocabSize - had
      } new special tokens, must be none: ` +
        "adapters do not learn to write them. Leave --lora-rank out, or start from a run that has the tokens",
    );
  }
  return {
    ...parent,
    parts: { ...parent.parts, model: { ...parent.parts.model, vocabSize } },
    origin: { ...parent.origin, newTokens: vocabSize - had },
  };
}

/** Token sources of a training, which are closed at its end. */
export type ConversationSource = ConversationTokens & Disposable;

/**
 * Opens a file of conversations.
 * @throws {UserError} If there is none, or it cannot be used.
 */
export async function openChat(path: string, form: ChatForm, contextLength: number): Promise<ConversationSource> {
  await requireInputFile(path);
  return { ...await openConversations(path, { ...form, contextLength }), [Symbol.dispose]: () => {} };
}

/** How long rows must be for all conversations. */
export function rowLengthOf(sources: readonly (TokenSource | undefined)[], contextLength: number): number {
  return rowLength(sources.filter((source) => source !== undefined && isConversations(source)), contextLength);
}

/** Says what is learned, in a line for each file; and what a model that got new tokens begins with. */
export function describeChat(
  { added }: NewChatForm,
  { newTokens = 0 }: RunOrigin,
  sources: readonly (TokenSource | undefined)[],
  seqLen: number,
): string[] {
  const rows = newTokens === 0
    ? "the model has rows for them"
    : "their rows in the model begin as the mean of all others";
  return [
    ...(added.length === 0 ? [] : [`Added ${added.join(" and ")} to the tokenizer; ${rows}`]),
    ...sources.filter((source) => source !== undefined && isConversations(source)).map((source) =>
      describeConversations(source, seqLen)
    ),
  ];
}

/**
 * Whether a run is fine-tuned on conversations.
 * @throws {UsageError} If flags name data of the other kind.
 */
export function requireKindOf(directory: string, { examples }: DataRecord, flags: TrainFlags): boolean {
  const isChat = examples !== undefined;
  const other = (isChat ? ["train", "valid"] as const : ["sft", "sft-valid"] as const).find((name) =>
    flags[name] !== undefined
  );
  if (other === undefined) return isChat;
  const kind = isChat ? "conversations, with --sft and --sft-valid" : "token files, with --train and --valid";
  throw new UsageError(`Cannot resume ${directory}: got --${other}, must be ${kind}: the run began with them`);
}

function isConversations(source: TokenSource): source is ConversationTokens {
  return source.examples !== undefined;
}
