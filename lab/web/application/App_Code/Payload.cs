// An item as bytes: the timeout in minutes, whether there are items, whether there are static objects, these, and 0xFF.

using System.IO;
using System.IO.Compression;
using System.Web;
using System.Web.SessionState;

public sealed class Payload
{
    const byte Terminator = 0xff;

    readonly bool compressed;

    public Payload(bool compressed)
    {
        this.compressed = compressed;
    }

    public static SessionStateStoreData Empty(HttpContext context, int timeout)
    {
        var statics = SessionStateUtility.GetSessionStaticObjects(context);
        return new SessionStateStoreData(new SessionStateItemCollection(), statics, timeout);
    }

    public byte[] Write(SessionStateStoreData data)
    {
        var plain = new MemoryStream();
        var writer = new BinaryWriter(plain);
        bool hasItems = data.Items != null && data.Items.Count > 0;
        bool hasStatics = data.StaticObjects != null && data.StaticObjects.Count > 0 && !data.StaticObjects.NeverAccessed;
        writer.Write(data.Timeout);
        writer.Write(hasItems);
        writer.Write(hasStatics);
        if (hasItems)
            ((SessionStateItemCollection)data.Items).Serialize(writer);
        if (hasStatics)
            data.StaticObjects.Serialize(writer);
        writer.Write(Terminator);
        return compressed ? Deflate(plain.ToArray()) : plain.ToArray();
    }

    public SessionStateStoreData Read(HttpContext context, byte[] item)
    {
        Stream stream = new MemoryStream(item);
        if (compressed)
            stream = new DeflateStream(stream, CompressionMode.Decompress);
        try
        {
            var reader = new BinaryReader(stream);
            int timeout = reader.ReadInt32();
            bool hasItems = reader.ReadBoolean();
            bool hasStatics = reader.ReadBoolean();
            var items = hasItems ? SessionStateItemCollection.Deserialize(reader) : new SessionStateItemCollection();
            var statics = hasStatics
                ? HttpStaticObjectsCollection.Deserialize(reader)
                : SessionStateUtility.GetSessionStaticObjects(context);
            if (reader.ReadByte() != Terminator)
                throw Corrupted(null);
            return new SessionStateStoreData(items, statics, timeout);
        }
        catch (IOException error)
        {
            throw Corrupted(error);
        }
    }

    // One byte more guards the stream's end against tables that cut trailing zeros.
    static byte[] Deflate(byte[] plain)
    {
        var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionMode.Compress, true))
            deflate.Write(plain, 0, plain.Length);
        packed.WriteByte(Terminator);
        return packed.ToArray();
    }

    static HttpException Corrupted(System.Exception inner)
    {
        return new HttpException("The session state information is invalid and might be corrupted.", inner);
    }
}
