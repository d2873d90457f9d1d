// Conversations as token ids, with the ids that a model is to learn: those of answers, up to the token that ends each.
import { excerpt } from "../../lib/io/excerpt.ts";
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";
import { UserError } from "../cli/errors.ts";
import type { ChatTemplate } from "./chat_template.ts";
import type { Conversation } from "./conversation_file.ts";

/** A conversation's ids, up to the last that is learned. */
export interface EncodedConversation {
  readonly ids: readonly number[];
  /** For each id: 1 if it is learned, else 0. */
  readonly counted: readonly number[];
  /** Where the last answer that is learned begins: the ids before it are its prompt. */
  readonly answerStart: number;
}

/** A part of a conversation's text. */
interface Stretch {
  readonly end: number;
  readonly isLearned: boolean;
}

/**
 * Encodes a conversation. Each answer is encoded on its own, as it is when the model writes it: no token spans its beginning.
 *
 * @throws {UserError} If a message has a special token in its text; or if the template writes a conversation otherwise once
 *   it goes on, so that it does not tell where an answer begins and ends.
 */
export function encodeConversation(
  conversation: Conversation,
  template: ChatTemplate,
  tokenizer: Tokenizer,
): EncodedConversation {
  requireNoSpecials(conversation, tokenizer);
  const { name, messages, learned } = conversation;
  const text = template.render(messages);
  const stretches: Stretch[] = [];
  for (const [i, isLearned] of learned.entries()) {
    if (!isLearned) continue;
    const before = template.render(messages.slice(0, i), { addGenerationPrompt: true });
    const after = template.render(messages.slice(0, i + 1));
    if (!(after.startsWith(before) && text.startsWith(after) && after.length > before.length)) {
      throw new UserError(
        `Cannot use the chat template of ${template.name}: it writes message ${i + 1} of ${name} otherwise than in ` +
          "an answer. Pass another one with --chat-template",
      );
    }
    stretches.push({ end: before.length, isLearned: false }, { end: after.length, isLearned: true });
  }
  const encoded = tokenizer.vocabulary.sentencePieces === undefined
    ? encodeStretches(text, stretches, tokenizer)
    : encodeWhole(text, stretches, tokenizer, name);
  const specials = specialIds(tokenizer);
  const counted = encoded.flatMap(({ ids, isLearned }) =>
    isLearned ? learnedOf(ids, specials, tokenizer) : ids.map(() => 0)
  );
  const length = counted.lastIndexOf(1) + 1;
  return {
    ids: encoded.flatMap(({ ids }) => ids).slice(0, length),
    counted: counted.slice(0, length),
    answerStart: counted.length - encoded.at(-1)!.ids.length,
  };
}

interface EncodedStretch {
  readonly ids: readonly number[];
  readonly isLearned: boolean;
}

function encodeStretches(text: string, stretches: readonly Stretch[], tokenizer: Tokenizer): EncodedStretch[] {
  return stretches.map(({ end, isLearned }, i) => {
    const start = i === 0 ? 0 : stretches[i - 1].end;
    return { ids: [...tokenizer.encode(text.slice(start, end))], isLearned };
  });
}

/** A SentencePiece model begins each text with a space, so a stretch cannot be encoded on its own. */
function encodeWhole(
  text: string,
  stretches: readonly Stretch[],
  tokenizer: Tokenizer,
  name: string,
): EncodedStretch[] {
  const all = [...tokenizer.encode(text)];
  let start = 0;
  return stretches.map(({ end, isLearned }) => {
    const ids = tokenizer.encode(text.slice(0, end));
    if (!ids.every((id, i) => id === all[i])) {
      throw new UserError(
        `Cannot use the conversation of ${name}: got an answer that shares a token with what is beside it, must begin and end with its ` +
          "own. Leave out white space around it",
      );
    }
    const stretch = { ids: all.slice(start, ids.length), isLearned };
    start = ids.length;
    return stretch;
  });
}

/** All of an answer up to the special token that ends it; after that there may be white space, which nobody asks for. */
function learnedOf(ids: readonly number[], specials: ReadonlySet<number>, tokenizer: Tokenizer): number[] {
  const last = ids.findLastIndex((id) => specials.has(id));
  const isEnd = last >= 0 && tokenizer.decode(ids.slice(last + 1)).trim() === "";
  return ids.map((_, i) => !isEnd || i <= last ? 1 : 0);
}

/** Tokens that mark places; tokenizers also have added ones that are plain text, such as runs of spaces. */
function specialTokensOf({ vocabulary }: Tokenizer) {
  return vocabulary.specials.filter(({ special = true }) => special);
}

function specialIds(tokenizer: Tokenizer): ReadonlySet<number> {
  return new Set(specialTokensOf(tokenizer).map(({ id }) => id));
}

/** A special token in what somebody says would end it. */
function requireNoSpecials({ name, messages }: Conversation, tokenizer: Tokenizer): void {
  const specials = specialTokensOf(tokenizer);
  for (const [i, { content }] of messages.entries()) {
    const found = specials.find(({ text }) => content.includes(text));
    if (found === undefined) continue;
    throw new UserError(
      `Cannot use the conversation of ${name}: got the special token ${excerpt(found.text)} in message ${
        i + 1
      }, must be ` +
        "text without it. Correct it",
    );
  }
}
