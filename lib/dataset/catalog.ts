// The corpora of Stanford's CS336, and where they are at home.

/** A file of a dataset. */
export interface CatalogFile {
  /** Its name on the server; with `.gz` at the end it is unpacked. */
  readonly remote: string;
  /** Its name here, unpacked. */
  readonly name: string;
  /** SHA-256 of the unpacked file, where it is known beforehand. */
  readonly sha256?: string;
}

/** A dataset: its files are at `baseUrl/remote`. */
export interface CatalogEntry {
  readonly baseUrl: string;
  readonly files: readonly CatalogFile[];
}

/** Names of the datasets. */
export type DatasetName = "tinystories" | "owt" | "shakespeare";

/** The datasets by name. */
export const CATALOG: Readonly<Record<DatasetName, CatalogEntry>> = {
  // Source: Eldan & Li 2023, "TinyStories", arXiv:2305.07759
  tinystories: {
    baseUrl: "https://huggingface.co/datasets/roneneldan/TinyStories/resolve/main",
    files: [
      { remote: "TinyStoriesV2-GPT4-train.txt", name: "TinyStoriesV2-GPT4-train.txt" },
      { remote: "TinyStoriesV2-GPT4-valid.txt", name: "TinyStoriesV2-GPT4-valid.txt" },
    ],
  },
  // Source: Gokaslan & Cohen 2019, OpenWebText; the course's sample of it
  owt: {
    baseUrl: "https://huggingface.co/datasets/stanford-cs336/owt-sample/resolve/main",
    files: [
      { remote: "owt_train.txt.gz", name: "owt_train.txt" },
      { remote: "owt_valid.txt.gz", name: "owt_valid.txt" },
    ],
  },
  // Source: Karpathy 2015, "The Unreasonable Effectiveness of Recurrent Neural Networks"
  shakespeare: {
    baseUrl: "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare",
    files: [{
      remote: "input.txt",
      name: "shakespeare.txt",
      sha256: "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    }],
  },
};
