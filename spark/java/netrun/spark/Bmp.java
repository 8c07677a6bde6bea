package netrun.spark;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.spark.sql.Row;

/** A row of Spark's image source as a BMP file, which netrun decodes to the same pixels: images of a data set may differ in size. */
final class Bmp {
  private static final int HEADER = 54;
  private static final int PALETTE = 1024;

  /** `image` is (origin, height, width, nChannels, mode, data): rows from the top, blue, green, red. An alpha channel is dropped. */
  static byte[] of(Row image) {
    int height = image.getInt(1), width = image.getInt(2), channels = image.getInt(3);
    byte[] pixels = image.getAs(5);
    if (height < 1 || width < 1) return new byte[0];
    boolean isGray = channels == 1;
    int depth = isGray ? 1 : 3;
    int stride = (width * depth + 3) / 4 * 4;
    int start = HEADER + (isGray ? PALETTE : 0);
    ByteBuffer out = ByteBuffer.allocate(start + stride * height).order(ByteOrder.LITTLE_ENDIAN);
    out.put((byte) 'B').put((byte) 'M').putInt(out.capacity()).putInt(0).putInt(start);
    // A negative height says that rows come from the top.
    out.putInt(40).putInt(width).putInt(-height).putShort((short) 1).putShort((short) (8 * depth)).putInt(0);
    out.putInt(stride * height).putInt(2835).putInt(2835).putInt(isGray ? 256 : 0).putInt(0);
    if (isGray) for (int i = 0; i < 256; i++) out.putInt(i * 0x010101);
    for (int y = 0; y < height; y++) {
      out.position(start + y * stride);
      for (int x = 0; x < width; x++) out.put(pixels, (y * width + x) * channels, depth);
    }
    return out.array();
  }
}
