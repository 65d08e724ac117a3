internal import ChangeEvents
internal import Foundation
internal import NIOCore

/// A compiled schema with the names of its fields as masks and changed-field lists need them. Made once per schema, shared.
final class SchemaFacts: Sendable {
    let schema: EventSchema
    /// `ShippingAddress` and `ShippingAddress.Street` to the flat names they stand for.
    private let flatNames: [String: [String]]

    init(_ schema: EventSchema) {
        self.schema = schema
        var flatNames: [String: [String]] = [:]
        for field in schema.fields {
            flatNames[field.name] = field.flatNames
            for (component, flatName) in zip(field.components, field.flatNames) {
                flatNames["\(field.name).\(component)"] = [flatName]
            }
        }
        self.flatNames = flatNames
    }

    /// Every name that a condition may use, in lower case.
    var fieldNames: Set<String> {
        Set(flatNames.flatMap { [$0.key] + $0.value }.map { $0.lowercased() })
    }

    /// The flat fields behind a name as `changedFields` shows it or as a token lists it.
    func flatNames(of name: String) -> [String] { flatNames[name] ?? [name] }

    /// The mask for what a token allows: names of compounds stand for all their components.
    func mask(_ fields: Set<String>?) -> EventSchema.Mask {
        guard let fields else { return .all }
        return EventSchema.Mask(flatNames: Set(fields.flatMap { [$0] + flatNames(of: $0) }))
    }

    /// What a change event says of its record; nil when it cannot be decoded.
    func changeEventValues(of payload: ByteBuffer) -> [String: FieldValue]? {
        (try? schema.changeEvent(of: payload))?.values
    }

    /// The fields of an event that is no change event; nil when it is one, or cannot be decoded.
    ///
    /// Platform events carry every field, so that what their JSON shows is all there is to judge.
    func platformEventValues(of payload: ByteBuffer) -> [String: FieldValue]? {
        guard !schema.isChangeEvent else { return nil }
        var json = ByteBuffer()
        guard (try? schema.writeJSON(payload, mask: .all, into: &json)) != nil,
            let values = try? JSONDecoder().decode(
                [String: PlatformEventValue].self, from: Data(json.readableBytesView))
        else { return nil }
        var named = Dictionary(uniqueKeysWithValues: schema.fields.map { ($0.name, FieldValue.null) })
        for (name, value) in values { named[name] = value.field }
        return named
    }
}

/// A value in the JSON of a platform event.
private struct PlatformEventValue: Decodable {
    var field: FieldValue

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            field = .null
        } else if let boolean = try? container.decode(Bool.self) {
            field = .boolean(boolean)
        } else if let number = try? container.decode(Double.self) {
            field = .double(number)
        } else {
            let text = try container.decode(String.self)
            field = (try? Date(text, strategy: Self.instant)).map(Self.dateTime) ?? .string(text)
        }
    }

    private static let instant = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    private static func dateTime(_ date: Date) -> FieldValue {
        .dateTime(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
    }
}
