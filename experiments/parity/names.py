"""The release's names in a recording: what they are called here."""

#: Losses of the steps that localise.
LOCALIZATION = {
    "Total_loss": "total",
    "Prop_loss": "localization",
    "loss_prop": "proposal",
    "loss_loc": "offset",
    "loss_iou": "overlap",
    "loss_cls": "anchor_classification",
    "acc_cls": "accuracy",
}
#: Losses of the steps that classify whole segments.
SEGMENT = {"loss_cls": "segment_classification", "acc_cls": "accuracy"}
#: Losses of discriminators and generators at the recorded weights.
ADVERSARIAL = {
    "d_loss_real": "real",
    "d_loss_fake": "fake",
    "d_loss": "discriminator",
    "g_loss": "adversarial",
}
#: Optimisers: our step and the loss that it moves by.
OPTIMIZERS = {
    "ki_cls": ("moments", "segment_classification"),
    "fore_cls": ("foreground", "segment_classification"),
    "untrim_prop": ("untrimmed", "localization"),
    "untrim_cls": ("untrimmed", "anchor_classification"),
    "seg_prop": ("generators", "localization"),
    "seg_cls": ("generators", "anchor_classification"),
    "dis": ("discriminators", "discriminator"),
    "gen_adv": ("adversarial", "adversarial"),
    "bone_prop": ("synthetic", "localization"),
    "bone_cls": ("synthetic", "anchor_classification"),
}
#: Steps of a recorded trajectory: our step and its losses.
STEPS = {
    "1_ki_cls": ("moments", SEGMENT),
    "2_fore_cls": ("foreground", SEGMENT),
    "3_untrim": ("untrimmed", LOCALIZATION),
    "4_seg_gen": ("generators", LOCALIZATION),
    "5_dis": ("discriminators", {"loss_dis": "discriminator"}),
    "6_gen1": ("adversarial_1", {"loss_gen": "adversarial"}),
    "7_gen2": ("adversarial_2", {"loss_gen": "adversarial"}),
    "8_bone": ("synthetic", LOCALIZATION),
}
#: What is recorded after a trajectory.
AFTER = {
    "ki_cls": ("moments", SEGMENT),
    "fore_cls": ("foreground", SEGMENT),
    "untrim": ("untrimmed", LOCALIZATION),
    "seg": ("synthetic", LOCALIZATION),
}
#: What a recording was computed from; everything else must be recomputed.
INPUTS = (
    r"inputs/|weights/|context/(case2_)?(ratio|position)$|encode/\w+/(boxes|labels)$"
    r"|inference/(feature|duration)$|resample/\w+/(feature|count|duration|frames)$"
)
