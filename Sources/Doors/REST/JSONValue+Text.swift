internal import NIOCore

extension JSONValue {
    /// The document in one line.
    public var jsonText: String {
        var buffer = ByteBuffer()
        JSONWriter.write(self, into: &buffer)
        return String(buffer: buffer)
    }
}
