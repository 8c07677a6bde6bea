import { DictionaryBatch } from "apache-arrow/fb/dictionary-batch";
import type { Field } from "apache-arrow/fb/field";
import { Footer } from "apache-arrow/fb/footer";
import { Message } from "apache-arrow/fb/message";
import { MessageHeader } from "apache-arrow/fb/message-header";
import { RecordBatch } from "apache-arrow/fb/record-batch";
import { Schema } from "apache-arrow/fb/schema";
import { ByteBuffer } from "flatbuffers";

// apache-arrow believes the lengths of lists in a file's metadata, so that a single damaged byte makes it loop over two
// thousand million fields that are not there. A list of n entries takes at least 4 n bytes.

/** Tests whether the lists of a file's footer fit into its bytes. */
export function isFooterBounded(bytes: Uint8Array): boolean {
  return guarded(bytes, (buffer, fits) => {
    const footer = Footer.getRootAsFooter(buffer);
    const lists = [footer.recordBatchesLength(), footer.dictionariesLength(), footer.customMetadataLength()];
    return lists.every(fits) && isSchemaBounded(footer.schema(), fits);
  });
}

/** Tests whether the lists of a message's metadata fit into its bytes. */
export function isMessageBounded(bytes: Uint8Array): boolean {
  return guarded(bytes, (buffer, fits) => {
    const message = Message.getRootAsMessage(buffer);
    if (!fits(message.customMetadataLength())) return false;
    switch (message.headerType()) {
      case MessageHeader.Schema:
        return isSchemaBounded(message.header(new Schema()) as Schema | null, fits);
      case MessageHeader.RecordBatch:
        return isBatchBounded(message.header(new RecordBatch()) as RecordBatch | null, fits);
      case MessageHeader.DictionaryBatch:
        return isBatchBounded((message.header(new DictionaryBatch()) as DictionaryBatch | null)?.data() ?? null, fits);
      default:
        return true;
    }
  });
}

type Fits = (length: number) => boolean;

function guarded(bytes: Uint8Array, check: (buffer: ByteBuffer, fits: Fits) => boolean): boolean {
  try {
    // All lists together: entries may share bytes in a damaged file, and so be without end one inside the other.
    let left = bytes.length / 4;
    const fits: Fits = (length) => {
      left -= 1 + length;
      return length >= 0 && left >= 0;
    };
    return check(new ByteBuffer(bytes), fits);
  } catch {
    // Offsets that lead out of the bytes.
    return false;
  }
}

function isSchemaBounded(schema: Schema | null, fits: Fits): boolean {
  if (!schema || ![schema.fieldsLength(), schema.customMetadataLength(), schema.featuresLength()].every(fits))
    return false;
  return range(schema.fieldsLength()).every((i) => isFieldBounded(schema.fields(i), fits));
}

function isFieldBounded(field: Field | null, fits: Fits): boolean {
  if (!field || !fits(field.childrenLength()) || !fits(field.customMetadataLength())) return false;
  return range(field.childrenLength()).every((i) => isFieldBounded(field.children(i), fits));
}

function isBatchBounded(batch: RecordBatch | null, fits: Fits): boolean {
  return !!batch && [batch.nodesLength(), batch.buffersLength(), batch.variadicBufferCountsLength()].every(fits);
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
