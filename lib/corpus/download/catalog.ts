// The corpora of Stanford's CS336, and where they are published. The size and hash of each file are known, so that
// nothing else that a server may send (a login page, another version) passes for it.

/** A file of a dataset. */
export interface CatalogFile {
  /** Its name on the server. If it ends in `.gz`, it is decompressed. */
  readonly remote: string;
  /** Its name here, after decompression. */
  readonly name: string;
  /** Its size after decompression. */
  readonly bytes: number;
  /** SHA-256 of the decompressed file, in hexadecimal. */
  readonly sha256: string;
}

/** A dataset: its files are at `baseUrl/remote`. */
export interface CatalogEntry {
  /** The address to which the file names are appended, without a trailing slash. */
  readonly baseUrl: string;
  /** The files, in the order in which they are fetched. */
  readonly files: readonly CatalogFile[];
}

/** Names of the datasets. */
export type DatasetName = "tinystories" | "owt" | "shakespeare";

/** The datasets by name. */
export const CATALOG: Readonly<Record<DatasetName, CatalogEntry>> = {
  // Source: Eldan & Li 2023, "TinyStories", arXiv:2305.07759. Sizes and hashes: the Git LFS pointers of this revision
  tinystories: {
    baseUrl: "https://huggingface.co/datasets/roneneldan/TinyStories/resolve/f54c09fd23315a6f9c86f9dc80f725de7d8f9c64",
    files: [
      {
        remote: "TinyStoriesV2-GPT4-train.txt",
        name: "TinyStoriesV2-GPT4-train.txt",
        bytes: 2_227_753_162,
        sha256: "6418d412de72888f52b5142c761ac21a582f7d1166f0bfbdb5f03ccfdec90443",
      },
      {
        remote: "TinyStoriesV2-GPT4-valid.txt",
        name: "TinyStoriesV2-GPT4-valid.txt",
        bytes: 22_502_601,
        sha256: "6874bae9a4c1a4e7edcf0e53b86c17817e9cf881fc75ff2368da457b80c0585d",
      },
    ],
  },
  // Source: Gokaslan & Cohen 2019, OpenWebText; the course's sample of it. The pointers of this revision have the packed
  // files' hashes; those of the unpacked ones are what several people got of them and published
  owt: {
    baseUrl:
      "https://huggingface.co/datasets/stanford-cs336/owt-sample/resolve/86886dcee6d92159ca7538222a8c7ff4c79aa336",
    files: [
      {
        remote: "owt_train.txt.gz",
        name: "owt_train.txt",
        bytes: 11_920_511_059,
        sha256: "bbeb7f291a981ecfd5cf44b84d0f654b9e96c53dff99f2556b7d2cccaf8c1918",
      },
      {
        remote: "owt_valid.txt.gz",
        name: "owt_valid.txt",
        bytes: 289_998_753,
        sha256: "2406f278e71829d273b315e9b403285baea7022b26a96d2728dd8b776ea40660",
      },
    ],
  },
  // Source: Karpathy 2015, "The Unreasonable Effectiveness of Recurrent Neural Networks"
  shakespeare: {
    baseUrl: "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare",
    files: [
      {
        remote: "input.txt",
        name: "shakespeare.txt",
        bytes: 1_115_394,
        sha256: "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
      },
    ],
  },
};
