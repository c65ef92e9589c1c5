"""The 200 classes of ActivityNet v1.3, parted as the paper's first setting does.

The paper says that its 87 classes with temporal annotations and its 113 classes with
moments were chosen by the taxonomy of the data set; it does not list them, and the
lists of the 2020 release are not available. Exactly 87 classes lie under "Sports,
Exercise, and Recreation", so these are taken for the first part: *inferred from the
public taxonomy, not proven to be the paper's*. `splits.split_by_category` derives the
same from an annotation file that still has its taxonomy.
"""

SPORTS_CATEGORY = "Sports, Exercise, and Recreation"

SOURCE_87 = tuple(
    """
Archery; Arm wrestling; BMX; Baton twirling; Beach soccer; Bullfighting;
Bungee jumping; Calf roping; Camel ride; Canoeing; Capoeira; Clean and jerk;
Cricket; Croquet; Curling; Discus throw; Dodgeball; Doing a powerbomb;
Doing crunches; Doing fencing; Doing karate; Doing kickboxing; Doing motocross;
Doing step aerobics; Elliptical trainer; Futsal; Hammer throw; High jump;
Horseback riding; Hurling; Ice fishing; Javelin throw; Kayaking; Kneeling;
Layup drill in basketball; Long jump; Longboarding; Paintball; Ping-pong;
Plataform diving; Playing badminton; Playing beach volleyball;
Playing field hockey; Playing ice hockey; Playing kickball; Playing lacrosse;
Playing polo; Playing racquetball; Playing squash; Playing ten pins;
Playing water polo; Pole vault; Powerbocking; Rafting; River tubing; Rock climbing;
Rollerblading; Rope skipping; Running a marathon; Sailing; Scuba diving; Shot put;
Skateboarding; Skiing; Snatch; Snow tubing; Snowboarding; Spinning;
Springboard diving; Starting a campfire; Sumo; Surfing; Swimming; Tai chi;
Tennis serve with ball bouncing; Triple jump; Tumbling; Using parallel bars;
Using the balance beam; Using the pommel horse; Using the rowing machine;
Using uneven bars; Volleyball; Wakeboarding; Waterskiing; Windsurfing; Zumba
""".strip()
    .replace("\n", " ")
    .split("; ")
)

TARGET_113 = tuple(
    """
Applying sunscreen; Assembling bicycle; Baking cookies; Ballet; Bathing dog;
Beer pong; Belly dance; Blow-drying hair; Blowing leaves; Braiding hair;
Breakdancing; Brushing hair; Brushing teeth; Building sandcastles;
Carving jack-o-lanterns; Changing car wheel; Cheerleading; Chopping wood;
Cleaning shoes; Cleaning sink; Cleaning windows; Clipping cat claws; Cumbia;
Cutting the grass; Decorating the Christmas tree; Disc dog; Doing nails;
Drinking beer; Drinking coffee; Drum corps; Fixing bicycle; Fixing the roof;
Fun sliding down; Gargling mouthwash; Getting a haircut; Getting a piercing;
Getting a tattoo; Grooming dog; Grooming horse; Hand car wash;
Hand washing clothes; Hanging wallpaper; Having an ice cream; Hitting a pinata;
Hopscotch; Hula hoop; Installing carpet; Ironing clothes; Kite flying; Knitting;
Laying tile; Making a cake; Making a lemonade; Making a sandwich;
Making an omelette; Mixing drinks; Mooping floor; Mowing the lawn; Painting;
Painting fence; Painting furniture; Peeling potatoes; Plastering;
Playing accordion; Playing bagpipes; Playing blackjack; Playing congas;
Playing drums; Playing flauta; Playing guitarra; Playing harmonica; Playing piano;
Playing pool; Playing rubik cube; Playing saxophone; Playing violin;
Polishing forniture; Polishing shoes; Preparing pasta; Preparing salad;
Putting in contact lenses; Putting on makeup; Putting on shoes; Raking leaves;
Removing curlers; Removing ice from car; Riding bumper cars; Rock-paper-scissors;
Roof shingle removal; Sharpening knives; Shaving; Shaving legs; Shoveling snow;
Shuffleboard; Slacklining; Smoking a cigarette; Smoking hookah; Spread mulch;
Swinging at the playground; Table soccer; Tango; Throwing darts;
Trimming branches or hedges; Tug of war; Using the monkey bar; Vacuuming floor;
Walking the dog; Washing dishes; Washing face; Washing hands; Waxing skis; Welding;
Wrapping presents
""".strip()
    .replace("\n", " ")
    .split("; ")
)
