/// Cuts a formula into tokens. Works on unicode scalars; nothing in the text can make it trap.
struct FormulaLexer {
    private let scalars: [Unicode.Scalar]
    private var index = 0
    /// Scalars outside of spaces and comments.
    private(set) var size = 0

    init(_ text: String) throws(FormulaError) {
        // The count of bytes is known without a walk: a text far over the bound is refused at once.
        guard text.utf8.count <= FormulaLimits.charactersMax * 4 else { throw .tooLong(text.utf8.count) }
        scalars = Array(text.unicodeScalars)
        guard scalars.count <= FormulaLimits.charactersMax else { throw .tooLong(scalars.count) }
    }

    mutating func tokens() throws(FormulaError) -> [FormulaToken] {
        var tokens: [FormulaToken] = []
        while true {
            let token = try next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private mutating func next() throws(FormulaError) -> FormulaToken {
        try skipSpace()
        let start = index
        defer { size += index - start }
        guard let scalar = peek() else { return FormulaToken(kind: .end, position: start + 1) }
        let kind: FormulaToken.Kind
        switch scalar {
        case "(": kind = single(.open)
        case ")": kind = single(.close)
        case ",": kind = single(.comma)
        case "\"", "'": kind = .text(try quoted(by: scalar))
        case "0"..."9", ".": kind = .number(try number())
        case "a"..."z", "A"..."Z", "$", "_": kind = .name(name())
        default:
            guard let operation = operation(scalar) else { throw .syntaxFound(String(scalar), at: start + 1) }
            kind = .operation(operation)
        }
        return FormulaToken(kind: kind, position: start + 1)
    }

    private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
        index + offset < scalars.count ? scalars[index + offset] : nil
    }

    private mutating func single(_ kind: FormulaToken.Kind) -> FormulaToken.Kind {
        index += 1
        return kind
    }

    private mutating func skipSpace() throws(FormulaError) {
        while let scalar = peek() {
            if scalar.properties.isWhitespace {
                index += 1
            } else if scalar == "/", peek(1) == "*" {
                let start = index
                index += 2
                while !(peek() == "*" && peek(1) == "/") {
                    guard peek() != nil else { throw .syntaxMissing("'*/'", at: start + 1) }
                    index += 1
                }
                index += 2
            } else {
                return
            }
        }
    }

    private mutating func operation(_ scalar: Unicode.Scalar) -> FormulaOperator? {
        let two: FormulaOperator? =
            switch (scalar, peek(1)) {
            case ("&", "&"): .and
            case ("|", "|"): .or
            case ("=", "="): .equal
            case ("!", "="), ("<", ">"): .notEqual
            case ("<", "="): .lessOrEqual
            case (">", "="): .greaterOrEqual
            default: nil
            }
        let operation = two ?? FormulaOperator(rawValue: String(scalar))
        if operation != nil { index += two == nil ? 1 : 2 }
        return operation
    }

    private mutating func quoted(by quote: Unicode.Scalar) throws(FormulaError) -> String {
        let start = index
        var text = String.UnicodeScalarView()
        index += 1
        while let scalar = peek() {
            index += 1
            if scalar == quote { return String(text) }
            guard scalar == "\\" else {
                text.append(scalar)
                continue
            }
            switch peek() {
            case "n": text.append("\n")
            case "r": text.append("\r")
            case "t": text.append("\t")
            case let escaped? where escaped == "\"" || escaped == "'" || escaped == "\\": text.append(escaped)
            default: throw .syntaxFound("\\", at: index)
            }
            index += 1
        }
        throw .syntaxMissing("'\(quote)'", at: start + 1)
    }

    private mutating func number() throws(FormulaError) -> Double {
        let start = index
        while let scalar = peek(), ("0"..."9").contains(scalar) || scalar == "." { index += 1 }
        let text = String(String.UnicodeScalarView(scalars[start..<index]))
        guard text != ".", let value = Double(text), value.isFinite else { throw .syntaxFound(text, at: start + 1) }
        return value
    }

    private mutating func name() -> String {
        let start = index
        while let scalar = peek() {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_", "$", ":", ".", "#": index += 1
            default: return String(String.UnicodeScalarView(scalars[start..<index]))
            }
        }
        return String(String.UnicodeScalarView(scalars[start..<index]))
    }
}
