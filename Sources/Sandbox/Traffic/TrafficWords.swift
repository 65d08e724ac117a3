/// What the people of the traffic say and are called.
enum TrafficWords {
    static let models = ["Volta S", "Volta X", "Ampere Van"]

    static let subjects: [(subject: String, reason: String)] = [
        ("Charging stops at 80 %", "Charging"), ("Charger cable does not unlock", "Charging"),
        ("Wallbox is not found by the app", "Charging"), ("Range is lower than promised", "Battery"),
        ("Battery is cold after preconditioning", "Battery"), ("Update hangs at 63 %", "Software"),
        ("Navigation forgets the last destination", "Software"), ("Voice control speaks Dutch", "Software"),
        ("Key card is not recognised", "Equipment Design"), ("Wiper leaves streaks", "Equipment Design"),
        ("When will the car be delivered?", "Delivery"), ("Number plates have not arrived", "Delivery"),
    ]

    static let descriptions = [
        "It began last week and happens every day.", "Only when it rains. The dealer found nothing.",
        "Our whole fleet has it since the last update.", "Please call back in the afternoon.",
        "I have attached the log of the app to my last message.",
    ]

    static let comments = [
        "Asked the customer for the log.", "Reproduced in the workshop.", "Waits for a part from the supplier.",
        "Fixed in the next release; told the customer.", "Customer is patient, but not for long.",
    ]

    static let titles = ["Fleet Manager", "Operations Director", "Head of E-Mobility", "Buyer", "Driver"]
    static let departments = ["Fleet", "Purchasing", "Operations", "Facilities"]

    static let firstNames = [
        "Ada", "Bruno", "Carla", "David", "Elif", "Femke", "Goran", "Hanna", "Ivan", "Jana", "Kemal", "Lea", "Milan",
        "Nora",
        "Oskar", "Paula", "Quentin", "Rosa", "Sven", "Tilda",
    ]
    static let lastNames = [
        "Albers", "Bakker", "Conti", "Dahl", "Evers", "Fischer", "Garcia", "Horvat", "Ilic", "Jansen", "Keller",
        "Lindqvist",
        "Moreau", "Novak", "Olsen", "Peeters", "Rossi", "Schmidt", "Toth", "Weber",
    ]
    static let firms = [
        "Logistik", "Taxis", "Energie", "Werke", "Handel", "Reisen", "Bau", "Medizin", "Druck", "Pflege",
    ]
    static let cities = ["Hamburg", "Utrecht", "Leipzig", "Gent", "Basel", "Graz", "Aarhus", "Lille", "Porto", "Turin"]
}
