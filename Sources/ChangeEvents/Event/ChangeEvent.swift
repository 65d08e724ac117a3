/// A change event, decoded: what Twin applies and what routing looks at.
public struct ChangeEvent: Sendable, Hashable {
    public var header: ChangeEventHeader
    /// Expanded names of `changedFields` in schema order, as CometD shows them: `LastModifiedDate`, `ShippingAddress.Street`.
    public var changedFields: [String]
    public var nulledFields: [String]
    public var diffFields: [String]
    /// What the event says about the record, by flat REST name (`ShippingStreet`, `FirstName`):
    /// - CREATE, UNDELETE: every field of the schema, `.null` where empty;
    /// - UPDATE: `changedFields` ∪ `nulledFields`, and nothing else (a null outside them means "unchanged");
    ///   and any other non-null (enriched) value, which is listed in `enrichedFields`;
    /// - everything else: nothing but enriched values.
    /// A diff (see `diffFields`) stands as the string that was sent.
    public var values: [String: FieldValue]
    /// Flat names of values present in the event though not changed by it.
    public var enrichedFields: [String]
    /// Of a person whose `Name` this change has made another: the parts that it is made of, by flat name (`PersonName`). Nil: it has not,
    /// or the event brings the text. Empty: the parts are not to be had.
    public var nameParts: [String]?

    public init(
        header: ChangeEventHeader, changedFields: [String], nulledFields: [String], diffFields: [String],
        values: [String: FieldValue], enrichedFields: [String], nameParts: [String]? = nil
    ) {
        self.header = header
        self.changedFields = changedFields
        self.nulledFields = nulledFields
        self.diffFields = diffFields
        self.values = values
        self.enrichedFields = enrichedFields
        self.nameParts = nameParts
    }
}
