// A file of conversations as what a model is trained on.
import { formatCount } from "../../lib/accounting/units.ts";
import { countExamples, exampleRowLength, longestExample } from "../../lib/dataset/example_batches.ts";
import { identifyTokenizer } from "../../lib/dataset/tokenizer_id.ts";
import { type Examples, tokensInMemory, type TokenSource } from "../../lib/dataset/token_source.ts";
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";
import { UserError } from "../cli/errors.ts";
import type { ChatTemplate } from "./chat_template.ts";
import { type Conversation, readConversations } from "./conversation_file.ts";
import { encodeConversation, type EncodedConversation } from "./encode_conversation.ts";

/** Conversations as examples. */
export interface ConversationTokens extends TokenSource {
  readonly examples: Examples;
  /** How many are left out, because they are longer than the context. */
  readonly tooLong: number;
}

/** What conversations are encoded with. */
export interface ConversationOptions {
  readonly template: ChatTemplate;
  readonly tokenizer: Tokenizer;
  /** The longest that fits. */
  readonly contextLength: number;
  /** Called with each that is not left out. */
  readonly onConversation?: (conversation: Conversation, encoded: EncodedConversation) => void;
}

/**
 * Reads and encodes a file of conversations; it warns of those that are too long, and leaves them out.
 * @throws {UserError} If a conversation cannot be used, or all are too long.
 */
export async function openConversations(
  path: string,
  { template, tokenizer, contextLength, onConversation }: ConversationOptions,
): Promise<ConversationTokens> {
  const [ids, counted, starts]: number[][] = [[], [], [0]];
  const tooLong: string[] = [];
  for await (const conversation of readConversations(path)) {
    const encoded = encodeConversation(conversation, template, tokenizer);
    // The last token is only a target.
    if (encoded.ids.length > contextLength + 1) {
      tooLong.push(`${conversation.name}, ${formatCount(encoded.ids.length)} tokens`);
      continue;
    }
    for (const id of encoded.ids) ids.push(id);
    for (const one of encoded.counted) counted.push(one);
    starts.push(ids.length);
    onConversation?.(conversation, encoded);
  }
  if (starts.length === 1) {
    throw new UserError(
      `Cannot use ${path}: got only conversations of more than ${contextLength + 1} tokens, must be at most that. ` +
        `Shorten them: ${tooLong[0]}`,
    );
  }
  if (tooLong.length > 0) {
    const which = tooLong.length === 1
      ? "1 conversation that is"
      : `${formatCount(tooLong.length)} conversations that are`;
    console.error(
      `warning: left out ${which} longer than the context of ${formatCount(contextLength)} tokens; the first is ${
        tooLong[0]
      }`,
    );
  }
  const provenance = { tokenizer: identifyTokenizer(tokenizer) };
  const examples = { starts: Uint32Array.from(starts), counted: Uint8Array.from(counted) };
  return { ...tokensInMemory(ids, path, provenance), examples, tooLong: tooLong.length };
}

/** Tokens per row for conversations: as many as the longest needs, and no more than the context has. */
export function rowLength(sources: readonly ConversationTokens[], contextLength: number): number {
  return Math.max(...sources.map(({ examples }) => exampleRowLength(examples, contextLength)));
}

/** Conversations in a line: how many, how much of them is learned, and how much of the rows is empty. */
export function describeConversations({ name, length, examples }: ConversationTokens, seqLen: number): string {
  const count = countExamples(examples);
  const learned = examples.counted.reduce((sum, one) => sum + one, 0);
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  // The last token of each is only a target.
  const empty = 1 - (length - count) / (count * seqLen);
  return `${name}: ${formatCount(count)} ${count === 1 ? "conversation" : "conversations"}, ${
    formatCount(length)
  } tokens, ` +
    `${percent(learned / length)} learned; the longest has ${formatCount(longestExample(examples))}; ` +
    `rows of ${formatCount(seqLen)}, ${percent(empty)} empty`;
}
