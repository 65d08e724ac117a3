public import SOQL

extension Condition {
    /// The fields of this condition that can never be judged on an object with these flat field names, sorted:
    /// misspelled ones, relationships (`Account.Name`), and header fields that a condition cannot use
    /// (`ChangeEventHeader.recordIds`).
    ///
    /// For refusing a subscription with a reason instead of accepting one that never delivers.
    /// - Parameter flatNames: `EventSchema.fields[].flatNames` of the channel's events.
    public func unjudgeableFields(flatNames: some Sequence<String>) -> [String] {
        let known = Set(flatNames.map { $0.lowercased() })
        return fields.filter { field in
            let key = field.lowercased()
            if key == "id" || known.contains(key) { return false }
            guard let dot = key.firstIndex(of: ".") else { return true }
            let parent = key[..<dot]
            let component = key[key.index(after: dot)...]
            if parent == "changeeventheader" { return !RecordSource.headerFields.contains(String(component)) }
            guard let flat = CompoundName.flatName(parent: parent, component: component) else { return true }
            return !known.contains(flat.lowercased())
        }.sorted()
    }
}
