// Every key that a tokenizer.json may hold, and how it is treated. Any other key is refused by name.
// Source: https://github.com/huggingface/tokenizers (0.23), what its structs read and write.

/**
 * By object, then key: whether it is used, refused unless it changes nothing, reported, or ignored, and why.
 *
 * - used: it decides which ids a text gets, as in Hugging Face's tokenizers.
 * - refused: values with which ids would differ are refused by name.
 * - said: reported, because Hugging Face's encode() does something by default that bytelm leaves to you.
 * - ignored: no value of it changes an id.
 */
export const TOKENIZER_JSON_KEYS = {
  /** The file. */
  root: {
    version: 'refused, unless "1.0", as there',
    truncation: "said: encode() there cuts texts to max_length; here they are encoded whole",
    padding: "said: encode() there fills texts up; here they end where they end",
    added_tokens: "used",
    normalizer: "refused, unless null or an empty Sequence: text is encoded as it is",
    pre_tokenizer: "used, where it is a pattern that is known here; refused otherwise",
    post_processor: "said, where encode() there puts tokens around each text; ByteLevel changes offsets alone",
    decoder: "refused, unless null or ByteLevel: decoding gives the bytes of the tokens",
    model: "used",
  },
  model: {
    type: "refused, unless BPE, or absent beside merges",
    dropout: "refused, unless null or 0: merges would be left out at random",
    unk_token: "ignored: every byte is a token, so that nothing is unknown",
    continuing_subword_prefix: "refused, unless null or empty",
    end_of_word_suffix: "refused, unless null or empty",
    fuse_unk: "ignored: nothing is unknown",
    byte_fallback: "ignored: nothing is unknown",
    ignore_merges: "used",
    vocab: "used",
    merges: "used",
  },
  /** One of added_tokens. */
  added_token: {
    id: "used; said where Hugging Face would give another to a token that is not in model.vocab",
    content: "used",
    single_word: "refused, unless false: only whole words would be found",
    lstrip: "refused, unless false: white space before would be taken too",
    rstrip: "refused, unless false: white space after would be taken too",
    normalized: "used: those with false are found first; refused where that would make a difference",
    special: "ignored: it matters to decoding that leaves special tokens out, which is not done here",
  },
  /** A step of the pre_tokenizer, by type. A Sequence, here and elsewhere, has only its type and its steps. */
  Split: {
    type: "used",
    pattern: "used: the Regex of a pattern that is known here; refused otherwise",
    behavior:
      "refused, unless Isolated, MergedWithPrevious or MergedWithNext, or Removed with invert: the patterns match " +
      "all of a text, so that these are the same",
    invert: "used, with behavior",
  },
  ByteLevel: {
    type: "used",
    add_prefix_space: "refused, unless false",
    trim_offsets: "ignored: it changes offsets alone",
    use_regex: "used: whether GPT-2's pattern splits the text",
  },
} as const;
