public import NIOCore

/// One event schema, compiled: parses the schema JSON once and then decodes, encodes and prints events of it without
/// looking at the schema tree again. Immutable and shared by all threads.
///
/// INTERFACE SKETCH: bodies are to be written; other modules build on these signatures.
public final class EventSchema: Sendable {
    /// How a field of an event maps to a record's field.
    public struct Field: Sendable, Hashable {
        /// Name in the event schema: `ShippingAddress`.
        public var name: String
        /// The `doc` attribute without the custom field id: `Data:DateTime`, `ForeignKey:EntityId`; empty when absent.
        public var kind: String
        /// Components of a compound field in schema order (`Street`, `City`, …); empty for a simple field.
        public var components: [String]
        /// Flat REST names: one for a simple field, one per component for a compound.
        public var flatNames: [String]
    }

    public let id: SchemaID
    /// The text the schema was parsed from.
    public let json: String
    /// `CaseChangeEvent`, `Low_Ink__e`.
    public let recordName: String
    /// All top-level fields, index 0 being `ChangeEventHeader` for change events.
    public let fields: [Field]
    /// True when field 0 is a `ChangeEventHeader`.
    public let isChangeEvent: Bool

    public init(json: String) throws(AvroError) {
        fatalError("sketch")
    }

    /// Decodes field 0 only.
    public func header(of payload: ByteBuffer) throws(AvroError) -> ChangeEventHeader { fatalError("sketch") }

    /// Decodes the whole change event.
    public func changeEvent(of payload: ByteBuffer) throws(AvroError) -> ChangeEvent { fatalError("sketch") }

    /// Expands a bitmap array into names in schema order.
    public func names(ofBitmap bitmap: [String]) throws(AvroError) -> [String] { fatalError("sketch") }

    /// The bitmap array for names as `names(ofBitmap:)` gives them.
    public func bitmap(ofNames names: some Sequence<String>) throws(AvroError) -> [String] { fatalError("sketch") }

    /// Encodes an event. `values` by flat REST name; a missing one is null. `header.changedFields` etc. are bitmaps.
    public func encode(header: ChangeEventHeader, values: [String: FieldValue]) throws(AvroError) -> ByteBuffer {
        fatalError("sketch")
    }

    /// Which fields a JSON payload may hold; made once per subscription class, not per event.
    public struct Mask: Sendable, Hashable {
        /// nil: all fields.
        public var flatNames: Set<String>?
        public init(flatNames: Set<String>?) { self.flatNames = flatNames }
        public static let all = Mask(flatNames: nil)
    }

    /// Writes the event as CometD's `payload` object: `ChangeEventHeader` with `changedFields` as names (without
    /// `nulledFields` and `diffFields`), dates as ISO 8601 strings, only the fields that CometD would show, compounds as
    /// objects. Fields outside `mask` appear neither in the body nor in `changedFields`. `recordIDs` replaces the header's
    /// (a merged event is shown to a subscriber one record at a time).
    public func writeJSON(
        _ payload: ByteBuffer, mask: Mask, recordIDs: [String]? = nil, into buffer: inout ByteBuffer
    ) throws(AvroError) {
        fatalError("sketch")
    }
}

/// Why bytes or a schema could not be read.
public struct AvroError: Error, Sendable {
    public var message: String
    /// Offset in the payload, when it concerns one.
    public var offset: Int?
    /// `ChangeEventHeader.recordIds[3]`, when it concerns a field.
    public var path: String?
}
