import TestSupport
import Testing

@testable import Doors

@Suite struct XMLReaderTests {
    @Test func readsElementsTextEntitiesAndCDATA() throws {
        let root = try XMLReader.parse(
            """
            \u{FEFF}<?xml version="1.0"?><!-- a --><e:a xmlns:e='urn:x' e:b = "1 &lt; 2" nil='true'>x&amp;<![CDATA[<&>]]>&#65;\
            &#x1F697;<c/><d>ü</d><?pi?><!-- - --></e:a><!-- end -->
            """.utf8)
        #expect(root.name == "a")
        #expect(root.text == "x&<&>A🚗")
        #expect(root.attributes == ["b": "1 < 2", "nil": "true"])
        #expect(root.children.map(\.name) == ["c", "d"])
        #expect(root.child("d")?.text == "ü")
    }

    /// Nothing expands and nothing outside is read, because there is no DTD.
    @Test(arguments: [
        #"<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"#,
        #"<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><lolz>&lol2;</lolz>"#,
        "<a><!DOCTYPE b></a>", "<a>&lol;</a>", "<a>&nbsp;</a>",
    ])
    func documentTypesAndTheirEntitiesAreRefused(text: String) {
        #expect(throws: XMLError.self) { try XMLReader.parse(text.utf8) }
    }

    @Test(arguments: [
        "", "x", "<", "<a", "<a>", "<a></b>", "<a></a", "<a b></a>", "<a b=1></a>", "<a b='1' b='2'/>", "<a b='<'/>",
        "<a/><b/>", "<a/>x", "<a>&", "<a>&amp</a>", "<a>&#0;</a>", "<a>&#xD800;</a>", "<a>&#x110000;</a>", "<a>&#;</a>",
        "<a>&#-1;</a>", "<a>\u{1}</a>", "<1/>", "<:a/>", "<a:/>", "<a:b:c/>", "<a b='1'c='2'/>", "<a><![CDATA[</a>",
        "<a><!-- </a>", "<a b='", "</a>", "<a b='1", "<?xml", "<a>&#x;</a>", "<a><![CDATA[\u{2}]]></a>",
    ])
    func brokenDocumentsAreRefused(text: String) {
        #expect(throws: XMLError.self) { try XMLReader.parse(text.utf8) }
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        #expect(throws: XMLError.self) { try XMLReader.parse([0x3C, 0x61, 0x3E, 0xFF, 0x3C, 0x2F, 0x61, 0x3E]) }
        #expect(throws: XMLError.self) { try XMLReader.parse([0x3C, 0xFF, 0x2F, 0x3E]) }
    }

    /// Written raw they came through, and the answer that repeated them was no XML. As references they never did.
    @Test(arguments: [
        "<a>\u{FFFE}</a>", "<a>\u{FFFF}</a>", "<a b='\u{FFFF}'/>", "<a><![CDATA[\u{FFFE}]]></a>", "<!--\u{FFFF}--><a/>",
        "<a\u{FFFE}/>", "<a>&#xFFFE;</a>", "<a>&#65535;</a>",
    ])
    func noncharactersAreRefused(text: String) throws {
        #expect(throws: XMLError.self) { try XMLReader.parse(text.utf8) }
        // Its neighbours are characters.
        #expect(try XMLReader.parse("<a>\u{FFFD}\u{FEFF}\u{10000}</a>".utf8).text == "\u{FFFD}\u{FEFF}\u{10000}")
    }

    @Test func depthAndNumberOfElementsAreBounded() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        _ = try XMLReader.parse(nested(XMLReader.depthMax).utf8)
        #expect(throws: XMLError.self) { try XMLReader.parse(nested(XMLReader.depthMax + 1).utf8) }
        let many = { (count: Int) in "<a>" + String(repeating: "<b/>", count: count - 1) + "</a>" }
        _ = try XMLReader.parse(many(XMLReader.elementsMax).utf8)
        #expect(throws: XMLError.self) { try XMLReader.parse(many(XMLReader.elementsMax + 1).utf8) }
        _ = try XMLReader.parse(many(XMLReader.elementsMax + 1).utf8, elementsMax: XMLReader.elementsMax + 1)
    }

    /// Whatever is cut out or changed in a good document, there is an answer.
    @Test func damagedDocumentsNeverTrap() {
        var random = SeededRandom()
        for _ in 0..<400 {
            var bytes = Array("<?xml version='1.0'?><e:a b='&#65;'><![CDATA[x]]><c>&lt;</c><!-- y --></e:a>".utf8)
            for _ in 0..<random.int(1..<5) {
                let index = random.int(0..<bytes.count)
                if random.chance(0.5) {
                    bytes[index] = UInt8(random.int(0..<256))
                } else {
                    bytes.remove(at: index)
                }
            }
            do {
                _ = try XMLReader.parse(bytes)
            } catch {
                #expect(error.offset <= bytes.count, "seed \(random.seed)")
            }
        }
    }
}
