/// Any Avro value, in memory. For tools and tests: events take the compiled way (`EventSchema`), which builds none.
///
/// Knows nothing of its type's names: a record is its fields' values in schema order, an enum value the index of its
/// symbol, a union value the index of its branch and the value.
public indirect enum AvroValue: Sendable, Hashable {
    /// One entry of a map. A list of entries rather than a dictionary, so that a value is written as it was read.
    public struct Entry: Sendable, Hashable {
        public var key: String
        public var value: AvroValue

        public init(key: String, value: AvroValue) {
            self.key = key
            self.value = value
        }
    }

    case null
    case boolean(Bool)
    case int(Int32)
    case long(Int64)
    case float(Float)
    case double(Double)
    case bytes([UInt8])
    case string(String)
    case record([AvroValue])
    case enumeration(Int)
    case fixed([UInt8])
    case array([AvroValue])
    case map([Entry])
    case union(branch: Int, AvroValue)
}
