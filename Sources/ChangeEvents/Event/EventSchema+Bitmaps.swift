extension EventSchema {
    /// Expands a bitmap array into names: simple fields in schema order, then components (`ShippingAddress.Street`) in
    /// schema order, as the bitmap itself has them. The bit of a compound as a whole gives its name.
    public func names(ofBitmap bitmap: [String]) throws(AvroError) -> [String] {
        let outcome = SlotSet.withSets(1, wordCount: program.wordCount) { sets -> Result<[String], AvroError> in
            let set = sets(0)
            for (position, element) in bitmap.enumerated() {
                var element = element
                let fault = element.withUTF8 { bytes in
                    BitmapNotation.add(UnsafeRawBufferPointer(bytes), fields: program.fields.elements, to: set)
                }
                if let fault {
                    return .failure(AvroFault(fault, at: 0).error(path: "bitmap[\(position)]").withoutOffset)
                }
            }
            return .success(names(of: set))
        }
        return try outcome.get()
    }

    func names(of set: SlotSet) -> [String] {
        var names: [String] = []
        set.forEach { names.append(slotNames[$0]) }
        return names
    }

    /// The bitmap array for names as `names(ofBitmap:)` gives them, in any order; flat names (`ShippingStreet`) are taken
    /// as well. A name that the schema does not have is an error.
    public func bitmap(ofNames names: some Sequence<String>) throws(AvroError) -> [String] {
        var slots: [Int] = []
        for name in names {
            guard let slot = slotsByName[name] else {
                throw AvroError(code: .malformedBitmap, message: "\(recordName) has no field of this name", path: name)
            }
            slots.append(slot)
        }
        return self.bitmap(ofSlots: slots)
    }

    /// The place of a name in bitmaps, for `bitmap(ofSlots:)`; nil for a name that the schema does not have.
    public func slot(of name: String) -> Int? { slotsByName[name] }

    /// As `bitmap(ofNames:)`, of names that were looked up before.
    public func bitmap(ofSlots slots: [Int]) -> [String] {
        if slots.isEmpty { return [] }
        var bitmap: [String] = []
        let simple = slots.filter { $0 < fields.count }
        if !simple.isEmpty { bitmap.append(BitmapNotation.text(ofBits: simple)) }
        guard simple.count < slots.count else { return bitmap }
        var first = fields.count
        for (index, field) in fields.enumerated() where !field.components.isEmpty {
            let components = slots.filter { (first..<(first + field.components.count)).contains($0) }
            if !components.isEmpty {
                bitmap.append("\(index)-" + BitmapNotation.text(ofBits: components.map { $0 - first }))
            }
            first += field.components.count
        }
        return bitmap
    }
}

extension AvroError {
    fileprivate var withoutOffset: AvroError {
        AvroError(code: code, message: message, offset: nil, path: path)
    }
}
