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
    normalizer: "used, where its steps are known here; refused otherwise",
    pre_tokenizer: "used, where its steps are known here; refused otherwise",
    post_processor: "used where it is asked for, and said: the tokens that encode() there puts around each text",
    decoder: "refused, unless null or ByteLevel: decoding gives the bytes of the tokens",
    model: "used",
  },
  model: {
    type: "refused, unless BPE, or absent beside merges",
    dropout: "refused, unless null or 0: merges would be left out at random",
    unk_token: "used for bytes that are no tokens; without it, these are left out",
    continuing_subword_prefix: "refused, unless null or empty",
    end_of_word_suffix: "refused, unless null or empty",
    fuse_unk: "used, with unk_token",
    byte_fallback: "ignored: it is about characters, and here all are spelled as bytes",
    ignore_merges: "used",
    vocab: "used",
    merges: "used",
  },
  /** One of added_tokens. */
  added_token: {
    id: "used; said where Hugging Face would give another to a token that is not in model.vocab",
    content: "used",
    single_word: "used: it is found where no character of a word is beside it",
    lstrip: "used: white space before it is a part of it",
    rstrip: "used: white space after it is a part of it",
    normalized: "used: those with false are found first, the others in normalized text",
    special: "kept: it matters to decoding that leaves special tokens out, which is not done here",
  },
  /** A step of the pre_tokenizer, by type. A Sequence, here and elsewhere, has only its type and its steps. */
  Split: {
    type: "used",
    pattern: "used: a Regex, or a String; refused where it has parts that are not known here",
    behavior: "used",
    invert: "used",
  },
  Digits: {
    type: "used",
    individual_digits: "used: whether each digit is a word",
  },
  Punctuation: {
    type: "used",
    behavior: "used",
  },
  ByteLevel: {
    type: "used",
    add_prefix_space: "used: whether a space is put before each word that starts without one",
    trim_offsets: "ignored: it changes offsets alone",
    use_regex: "used: whether GPT-2's pattern splits the text",
  },
  /** A step of the normalizer, by type. NFC, NFD, NFKC, NFKD and Lowercase have only their type. */
  Prepend: {
    type: "used",
    prepend: "used",
  },
  Replace: {
    type: "used",
    pattern: "used: a String of one character; refused otherwise",
    content: "used",
  },
} as const;
