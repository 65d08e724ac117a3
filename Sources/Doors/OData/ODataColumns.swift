/// What is read for each row: what is shown, what it is ordered by, and the key. Each property once.
struct ODataColumns: Sendable {
    let properties: [ODataProperty]
    /// Of the first ones, which are shown.
    let shownCount: Int
    /// Index of the key.
    let key: Int
    /// Indices of the terms of the order.
    let order: [Int]

    init(_ type: ODataEntityType, shown: [ODataProperty], order terms: [ODataOrder]) {
        var properties = shown
        func index(of name: String) -> Int? { properties.firstIndex { $0.name == name } }
        var order: [Int] = []
        for term in terms {
            if let known = index(of: term.property.name) {
                order.append(known)
            } else {
                order.append(properties.count)
                properties.append(term.property)
            }
        }
        if let known = index(of: ODataEntityType.key) {
            key = known
        } else {
            guard let key = type.property(ODataEntityType.key) else {
                preconditionFailure("an entity type has its key among its properties")
            }
            self.key = properties.count
            properties.append(key)
        }
        self.properties = properties
        self.order = order
        shownCount = shown.count
    }

    var isKeyShown: Bool { key < shownCount }
}
